using Tessera.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Models.Explanation.Methods;

/// <summary>Scores of runs of which each is about one channel, some at a time: what is held does not grow with the channels.</summary>
internal static class ChannelScores
{
    /// <summary>Fills the scores of some channels of one image.</summary>
    /// <param name="channels">Of the image, in any order.</param>
    /// <param name="batch">At most this many in one run.</param>
    /// <param name="run">Gets channels [n] and gives their scores [n].</param>
    /// <param name="scores">[C], filled at these channels.</param>
    public static void Fill(IReadOnlyList<long> channels, int batch, Func<long[], Tensor> run, Span<double> scores)
    {
        foreach (var some in channels.Chunk(batch))
        {
            using var scope = NewDisposeScope();
            var values = run(some).to(ScalarType.Float64).cpu().contiguous().Values<double>();
            for (var i = 0; i < some.Length; i++)
                scores[(int)some[i]] = values[i];
        }
    }

    /// <summary>Numbers of each image and channel as weights of a map.</summary>
    /// <param name="values">[B][C].</param>
    /// <param name="map">Whose device and type they take.</param>
    /// <returns>[B, C, 1, 1].</returns>
    public static Tensor Weights(double[][] values, Tensor map)
    {
        using var scope = NewDisposeScope();
        return scope.MoveToOuter(
            tensor(values.SelectMany(row => row).ToArray()).to(map.dtype).to(map.device).view(values.Length, values[0].Length, 1, 1)
        );
    }
}
