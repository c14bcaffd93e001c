// Every command in the documents that no test carries out, with the reason. A pattern that matches none fails the test, as
// does a command that matches none and is not carried out.

export const notExecuted: readonly (readonly [pattern: RegExp, reason: string])[] = [
  [/^juju (ssh|scp)\b/, 'goes to a machine past Juju; what is typed there is tried by tests/machines'],
  [
    /^juju (debug-log|show-operation|show-machine)\b/,
    "Juju's own record, which the fake one does not keep as text",
  ],
  [
    /^juju (expose|bind|model-config)\b/,
    "Juju's own settings of models and networks, of which a charm hears nothing",
  ],
  [
    /^juju (offer|consume)\b/,
    'two models: the fake Juju has one; tests/cluster/elsewhere.test.ts relates the two sides in it',
  ],
  [
    /^juju (secrets|show-secret|remove-secret)\b/,
    'the fake Juju shows a user no secrets, and removes none of theirs',
  ],
  [/^juju run postgresql\//, "an action of PostgreSQL's charm"],
  [/^juju (run|config) \S+ (--reset )?NAME\b/, 'says in general how actions and options are typed'],
  [
    /^juju config concourse-ci version=latest$/,
    'an example of a value that is refused: tests/cluster/options.test.ts',
  ],
  [
    /^lxc\b/,
    'needs an LXD host: tests/unit/scripts/lxd-shared-volume.test.ts plays one, and holds the device to these words',
  ],
  [/^grep\b/, 'reads what a command printed that is not carried out'],
  [
    /^sudo (mkdir|mount|apt-get)\b/,
    'prepares a machine or an LXD host, as root; tests/volumes mount what is meant here',
  ],
  [/^sudo tee\b/, "writes to a machine's own configuration, as root"],
  [/^sudo udevadm\b/, 'needs a machine with a GPU'],
  [/^sudo snap refresh lxd$/, 'needs an LXD host'],
  [/^sudo npm run test:package$/, 'a tier of tests of its own, as root: .ci/run runs it'],
  [/^fly\b/, "Concourse's own program: what it asks of web is asked by tests with HTTP"],
  [/^vault\b/, "Vault's own program; tests/cluster/vault.test.ts plays the server"],
  [/^charmcraft\b/, 'tests/package/charmcraft.test.ts runs it where it can be installed'],
  [
    /^juju remove-application\b/,
    'takes away what the page is no longer about; the fake Juju does it for tests/cluster',
  ],
  [/^pg_(dump|restore)\b/, "PostgreSQL's own programs, between two real databases"],
  [/^juju deploy \.\/bundles\//, 'a bundle: tests/unit/deploy/bundles.test.ts deploys each, piece by piece'],
  [/^git switch\b/, 'a branch of the reader’s own'],
  [/^npm (update|audit)\b/, "npm's own commands, which ask a registry"],
];
