using Tessera.Models.Layers;
using static TorchSharp.torch;

namespace Tessera.Models.TaskModels.Segmentation;

/// <summary>What a network says of the classes of pixels.</summary>
/// <param name="Classes">How many there are.</param>
/// <param name="AlignCorners">Corner values lie on corner pixels, instead of edges on edges.</param>
/// <param name="AreScores">Values are not logits but shares, 0 at least, whose sum over the classes may be other than 1.</param>
internal sealed record ClassMapForm(int Classes, bool AlignCorners = false, bool AreScores = false)
{
    private const double Least = 1e-12; // where no class has a share

    /// <summary>The values in another size, float32.</summary>
    /// <param name="values">[B, classes, h, w].</param>
    public Tensor Enlarge(Tensor values, long height, long width) =>
        Upsampling.To(values.to(ScalarType.Float32), [height, width], AlignCorners);

    /// <summary>What sums to 1 over the classes, dimension 1.</summary>
    public Tensor Probabilities(Tensor values) =>
        AreScores ? (values + Least) / (values + Least).sum([1], keepdim: true) : values.softmax(1);
}
