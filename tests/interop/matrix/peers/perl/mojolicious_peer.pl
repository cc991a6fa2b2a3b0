# The client of Mojolicious. See ../README.md for what a peer has to do.
use Mojo::Base -strict, -signatures;
use Mojo::IOLoop;
use Mojo::UserAgent;
use Mojolicious;

my ($action, @rest) = @ARGV;
my $deflate = @rest && $rest[0] eq '--deflate' ? shift @rest : 0;

sub echo ($tx) {
  $tx->max_websocket_size(4 << 20);
  $tx->on(text => sub ($tx, $bytes) {
    if    ($bytes eq '!ping')  { $tx->send([1, 0, 0, 0, 9, 'from the peer']) }
    elsif ($bytes eq '!close') { $tx->finish(4001 => 'bye from the peer') }
    elsif ($bytes eq '!fragments') {
      $tx->send([0, 0, 0, 0, 1, 'one ']);
      $tx->send([0, 0, 0, 0, 0, 'two ']);
      $tx->send([1, 0, 0, 0, 0, 'three']);
    }
    else { $tx->send({text => $bytes}) }
  });
  $tx->on(binary => sub ($tx, $bytes) { $tx->send({binary => $bytes}) });
}

if ($action eq 'version') {
  say 'Mojolicious ', Mojolicious->VERSION;
}
else {
  my $agent = Mojo::UserAgent->new(inactivity_timeout => 60);
  for my $url (@rest) {
    my %headers = $deflate ? ('Sec-WebSocket-Extensions' => 'permessage-deflate') : ();
    my @protocols = $url =~ m!/subprotocol$! ? (['other', 'matrix']) : ();
    $agent->websocket($url => \%headers => @protocols => sub ($agent, $tx) {
      return Mojo::IOLoop->stop unless $tx->is_websocket;
      echo($tx);
      $tx->on(finish => sub { Mojo::IOLoop->stop });
    });
    Mojo::IOLoop->start;
  }
}
