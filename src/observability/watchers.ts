// Which of our endpoints that others watch us by have a relation. It is kept in the unit's memory, since to ask in every hook
// would cost hook tools in every hook of every unit.
import type { Event } from 'juju-ts-ops';
import type { Remembered } from '../memory.ts';

export const watcherEndpoints = ['monitoring', 'cos-agent', 'grafana-dashboard'] as const;
export type Watcher = (typeof watcherEndpoints)[number];

/** What the unit remembers, with what this event tells. */
export function noteWatchers(event: Event, remembered: Remembered): Remembered {
  const endpoint = watcherEndpoints.find((name) => name === event.relation?.endpoint);
  // One that has ended may have others beside it: whoever writes asks.
  if (endpoint === undefined) return remembered;
  const known = new Set(remembered.watchers);
  return { ...remembered, watchers: watcherEndpoints.filter((name) => name === endpoint || known.has(name)) };
}
