# Runs a program and says what it and all that it waited for has cost: Node tells of itself alone, and bash's `time` knows no memory.
# Perl because it is small: a forked child counts its parent's memory as its own peak until it has become the program.
# Arguments: the number of the system call wait4 on this machine, the program, its arguments. On descriptor 3: one line of
# wall s, CPU s (user and system), peak kB of the largest process, wait status.
use strict;
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);
my $wait4 = shift @ARGV;
open(my $out, '>&=', 3) or die "no descriptor 3: $!\n";
my $began = clock_gettime(CLOCK_MONOTONIC);
my $pid = fork() // die "cannot fork: $!\n";
if ($pid == 0) {
  close($out);
  exec { $ARGV[0] } @ARGV or print STDERR "cannot run $ARGV[0]: $!\n";
  exit 127;
}
my ($status, $usage) = (pack('i', 0), "\0" x 144);
my $ended;
do { $ended = syscall($wait4, $pid, $status, 0, $usage) } until $ended == $pid || !$!{EINTR};
my $wall = clock_gettime(CLOCK_MONOTONIC) - $began;
my ($user, $user_us, $system, $system_us, $peak) = unpack('q5', $usage);
printf $out "%.6f %.6f %d %d\n", $wall, $user + $system + ($user_us + $system_us) / 1e6, $peak, unpack('i', $status);
