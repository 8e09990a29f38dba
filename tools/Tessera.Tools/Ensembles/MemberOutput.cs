using Tessera.Ensembles;
using Tessera.Framework.Data;
using Tessera.Framework.Models;

namespace Tessera.Tools.Ensembles;

/// <summary>What a member says of one image, in the data's order of classes.</summary>
/// <param name="Prediction">As the model predicts.</param>
/// <param name="Map">Of a segmentor: [classes, H · W], the probabilities of every pixel.</param>
internal sealed record MemberOutput(Prediction Prediction, float[]? Map = null)
{
    /// <summary>Of a segmentor, from its probabilities.</summary>
    /// <param name="labels">Of every pixel, row by row.</param>
    public static SegmentationPrediction MapOf(int[] labels, int height, int width, int classes, bool finite)
    {
        var wide = classes > byte.MaxValue;
        var map = new Image(height, width, 1, wide ? PixelType.UInt16 : PixelType.UInt8, new byte[height * width * (wide ? 2 : 1)]);
        if (wide)
        {
            var target = map.Pixels<ushort>();
            for (var i = 0; i < labels.Length; i++)
                target[i] = (ushort)labels[i];
        }
        else
            for (var i = 0; i < labels.Length; i++)
                map.Bytes[i] = (byte)labels[i];
        return new SegmentationPrediction(map) { OutputIsFinite = finite };
    }

    public static MemberOutput OfMap(float[] probabilities, int height, int width, int classes) =>
        new(
            MapOf(MapVotes.Labels(probabilities, classes), height, width, classes, Array.TrueForAll(probabilities, float.IsFinite)),
            probabilities
        );
}
