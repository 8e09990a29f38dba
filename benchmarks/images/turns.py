"""Tessera's side of the image pipelines and a peer's, by turns; both processes bound to one core."""
import statistics
import subprocess


def compare(command, peer_round, rounds, count, peer, what, unit):
    """Prints both sides' median time and the median of the turns' ratios (peer over Tessera).

    command: Tessera's process, which does one round for every line it reads and answers with its seconds.
    peer_round: does one round and gives its seconds. count: images of a round. peer, what, unit: words for the lines.
    """
    ours = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def tessera_round():
        ours.stdin.write("\n")
        ours.stdin.flush()
        return float(ours.stdout.readline())

    for _ in range(3):
        tessera_round()
    peer_round()
    ratios, mine, theirs = [], [], []
    for _ in range(rounds):
        theirs.append(peer_round())
        mine.append(tessera_round())
        ratios.append(theirs[-1] / mine[-1])
    ours.stdin.close()
    print(f"{count} {what}")
    print(f"{peer:17s} {1e3 * statistics.median(theirs) / count:.3f} ms {unit}")
    print(f"{'Tessera':17s} {1e3 * statistics.median(mine) / count:.3f} ms {unit}")
    print(f"ratio             {statistics.median(ratios):.2f} (rounds: {min(ratios):.2f} to {max(ratios):.2f})")
