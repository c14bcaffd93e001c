// What happens in the lab, told in lines that a person can follow: what units log, say to each other, and show.
import type { Lab } from 'juju-lab';
import { application, factsOf, rowsOf } from './story.ts';
import type { View } from './view.ts';

/** Facts whose changes are the upgrade protocol itself. */
const toldFacts = ['upgrade-state', 'upgrade-ready', 'running-web', 'running-worker'] as const;

export function follow(lab: Lab, view: View): void {
  const said = new Map<string, string>();
  const shown = new Map<string, string>();
  lab.events.on('log', ({ unit, level, text }) => {
    if (!['INFO', 'WARNING', 'ERROR'].includes(level)) return;
    // Juju puts the relation before each line of a relation's hook.
    const sign = level === 'INFO' ? '' : `${level}: `;
    for (const line of text.replace(/^peers:0: /, '').split('\n')) view.event(unit, sign + line);
  });
  lab.events.on('hook-end', ({ unit, name, outcome }) => {
    if (outcome !== 'committed') view.event(unit, `hook ${name}: ${outcome}`);
  });
  lab.events.on('change', () => {
    for (const unit of lab.juju.units(application)) {
      const facts = factsOf(lab, unit);
      for (const key of toldFacts) {
        const now = facts[key] ?? '';
        const before = said.get(`${unit} ${key}`) ?? '';
        said.set(`${unit} ${key}`, now);
        // `false` and nothing are the ordinary state: only the way to it is news.
        if (now !== before && (now !== '' || before !== ''))
          view.event(unit, `says ${key}=${now || 'nothing'}`);
      }
    }
    for (const { unit, status, message } of rowsOf(lab)) {
      const now = `${status}: ${message}`;
      if (shown.get(unit) === now) continue;
      shown.set(unit, now);
      if (status !== 'active' || message !== '') view.event(unit.replace(/\*$/, ''), now);
    }
    view.changed();
  });
}
