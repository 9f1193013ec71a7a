/** The numbered migrations, oldest first. Append only: a released one never changes. */
import type { WritableDb } from '../database.ts';
import { models } from './001-models.ts';
import { history } from './002-history.ts';
import { jobs } from './003-jobs.ts';
import { projects } from './004-projects.ts';
import { network } from './005-network.ts';

/** Migration i (from 0) brings a database of version i to version i + 1. */
export const MIGRATIONS: readonly ((db: WritableDb) => void)[] = [models, history, jobs, projects, network];
