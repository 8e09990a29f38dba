using Tessera.Models.Losses;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Losses;

public sealed class DistanceTransformTests
{
    [Fact]
    public void Distances_OfRandomMasks_EqualTheObviousLoop()
    {
        var random = new Random(0);
        for (var n = 0; n < 40; n++)
        {
            var (height, width) = (random.Next(1, 20), random.Next(1, 20));
            var mask = new bool[height * width];
            var share = random.NextDouble() * 0.3;
            for (var i = 0; i < mask.Length; i++)
                mask[i] = random.NextDouble() < share;
            mask[random.Next(mask.Length)] = true;
            var distances = DistanceTransform.Squared(mask, height, width);
            for (var i = 0; i < mask.Length; i++)
            {
                var nearest = Enumerable
                    .Range(0, mask.Length)
                    .Where(j => mask[j])
                    .Min(j => ((i / width - j / width) * (i / width - j / width)) + ((i % width - j % width) * (i % width - j % width)));
                Assert.Equal(nearest, distances[i]);
            }
        }
    }
}
