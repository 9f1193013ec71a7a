/** The next training: its pictures with their captions, and its settings. Part of the document, so that it is undone and kept like everything else. */
import type { ImageRef } from '../../preload/request.ts';
import type { LoraTrainingRequest } from '../../preload/training.ts';

export interface TrainingPicture {
  readonly id: string;
  readonly image: ImageRef;
  readonly caption: string;
}

export type TrainingSettings = Pick<
  LoraTrainingRequest,
  | 'name'
  | 'triggerWord'
  | 'rank'
  | 'steps'
  | 'resolution'
  | 'learningRate'
  | 'sampleEvery'
  | 'samplePrompt'
  | 'flip'
  | 'targets'
>;

export interface TrainingDraft {
  readonly pictures: readonly TrainingPicture[];
  readonly settings: TrainingSettings;
}

/** Most pictures of one training, as the page promises. */
export const PICTURE_LIMIT = 50;

export const FIRST_TRAINING: TrainingDraft = {
  pictures: [],
  settings: {
    name: '',
    triggerWord: '',
    rank: 8,
    steps: 400,
    resolution: 512,
    learningRate: 1e-4,
    sampleEvery: 50,
    samplePrompt: '',
    flip: false,
    targets: ['cross-attention'],
  },
};
