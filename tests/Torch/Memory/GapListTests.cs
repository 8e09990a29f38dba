using Tessera.Torch.Memory;

namespace Tessera.Tests.Torch.Memory;

public sealed class GapListTests
{
    /// <summary>Against a list of all that is taken: nothing overlaps, nothing lies outside, and gaps are exactly what is left.</summary>
    [Fact]
    public void TakenPlaces_NeverOverlap_AndGapsAreTheRest()
    {
        for (var seed = 0; seed < 20; seed++)
        {
            var random = new Random(seed);
            var list = new GapList(10_000);
            var taken = new List<(long Place, long Size)>();
            for (var step = 0; step < 500; step++)
            {
                if (taken.Count > 0 && random.Next(2) == 0)
                {
                    var at = random.Next(taken.Count);
                    list.GiveBack(taken[at].Place, taken[at].Size);
                    taken.RemoveAt(at);
                }
                else
                {
                    var size = random.Next(1, 900);
                    var place = list.Take(size);
                    if (place < 0)
                    {
                        Assert.DoesNotContain(list.Gaps.ToArray(), gap => gap.Size >= size); // then no gap fits
                        continue;
                    }
                    Assert.InRange(place, 0, 10_000 - size);
                    Assert.DoesNotContain(taken, other => place < other.Place + other.Size && other.Place < place + size);
                    taken.Add((place, size));
                }
                var expected = new List<(long, long)>();
                long from = 0;
                foreach (var (place, size) in taken.Order().Append((list.End, 0)))
                {
                    if (place > from)
                        expected.Add((from, place - from));
                    from = place + size;
                }
                Assert.Equal(expected, list.Gaps.ToArray());
            }
        }
    }

    [Fact]
    public void Take_PrefersTheGapThatFitsBest()
    {
        var list = new GapList(1000);
        var places = new[] { 100, 10, 50, 10, 200, 10 }.Select(size => list.Take(size)).ToArray();
        list.GiveBack(places[0], 100);
        list.GiveBack(places[2], 50);
        list.GiveBack(places[4], 200);
        Assert.Equal(places[2], list.Take(45));
        Assert.Equal(places[0], list.Take(100));
        Assert.Equal(-1, list.Take(700));
        Assert.Equal(-1, list.Take(0));
    }
}
