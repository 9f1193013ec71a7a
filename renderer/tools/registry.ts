/** The tools by name, each wrapped so that its state stays inside: events in, effects and cursor out. */
import type { CanvasPoint } from '../document/geometry.ts';
import { lasso, rectangle } from './areas.ts';
import { fillTool } from './filling.ts';
import { frameTool } from './frame.ts';
import { handTool, moveTool } from './moving.ts';
import { paintingTool } from './painting.ts';
import type { Cursor, Effect, Tool, ToolContext, ToolEvent, ToolName } from './tool.ts';

/** A running tool: remembers its state between events. */
export interface RunningTool {
  readonly handle: (event: ToolEvent, context: ToolContext) => readonly Effect[];
  readonly cursor: (point: CanvasPoint, context: ToolContext) => Cursor;
}

function run<State>(tool: Tool<State>): RunningTool {
  let state = tool.idle;
  return {
    handle(event, context) {
      const result = tool.step(state, event, context);
      state = result.state;
      return result.effects;
    },
    cursor: (point, context) => tool.cursor(state, point, context),
  };
}

/** One fresh machine of every tool. */
export const startTools = (): Readonly<Record<ToolName, RunningTool>> => ({
  move: run(moveTool),
  brush: run(paintingTool({ erase: false })),
  eraser: run(paintingTool({ erase: true })),
  mask: run(paintingTool({ erase: false, target: 'mask' })),
  lasso: run(lasso),
  rectangle: run(rectangle),
  fill: run(fillTool),
  frame: run(frameTool),
  hand: run(handTool),
});
