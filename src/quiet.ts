// Which events do not concern a worker at all: what another worker says of itself, here or in another application. The note that tells so lies under /run,
// written by a hook that looked at everything, so that the next such event costs neither a hook tool nor the rest of the
// charm. Three in four hooks of an upgrade are of this kind.

/** What a worker notes of its last whole hook; gone after a reboot. */
export interface QuietNote {
  /** The unit whose facts matter: the goal's installer. */
  installer: string;
}

/** The part of Juju's environment (or of an event made from it) that decides. */
export interface PeerEvent {
  /** `hooks/peers-relation-changed` */
  dispatchPath: string;
  /** Empty when it is the application's databag that changed. */
  remoteUnit: string;
  departingUnit: string;
  unit: string;
}

const peerHook = /^(?:hooks\/)?peers-relation-(?:joined|changed|departed)$/;
/** Web's business alone: who is to become web looks at all of them anyway. */
const tsaHook = /^(?:hooks\/)?tsa-relation-(?:joined|changed|departed)$/;

/** True: nothing of what this event tells can change what this unit does. */
export function isOthersBusiness(event: PeerEvent, note: QuietNote | undefined): boolean {
  if (note === undefined) return false;
  if (tsaHook.test(event.dispatchPath)) return event.departingUnit !== event.unit;
  if (!peerHook.test(event.dispatchPath)) return false;
  if (event.remoteUnit === '' || event.remoteUnit === event.unit || event.departingUnit === event.unit)
    return false;
  return event.remoteUnit !== note.installer;
}

/** Where the note of a unit lies, below the directory /run of its machine. */
export const quietNotePath = (run: string, unit: string): string =>
  `${run}/concourse-ci/${unit.replace('/', '-')}.quiet`;

/** Beside it: what an update-status asked that had nothing to do. */
export const calmNotePath = (run: string, unit: string): string =>
  `${run}/concourse-ci/${unit.replace('/', '-')}.calm.json`;

/** And what the unit noted of the units of other applications at one endpoint. */
export const relatedNotePath = (run: string, unit: string, endpoint: 'tsa' | 'flight'): string =>
  `${run}/concourse-ci/${unit.replace('/', '-')}.${endpoint}.json`;

/** Undefined for anything but a note: then the whole charm looks. */
export function readQuietNote(text: string | undefined): QuietNote | undefined {
  const installer = /^([a-z0-9-]+\/[0-9]+)\n$/.exec(text ?? '')?.[1];
  return installer === undefined ? undefined : { installer };
}

export const quietNoteText = (note: QuietNote): string => `${note.installer}\n`;
