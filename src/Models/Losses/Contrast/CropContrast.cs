using Tessera.Torch;
using static TorchSharp.torch;

namespace Tessera.Models.Losses.Contrast;

/// <summary>Crops that show an image's objects are to have the embedding of the whole image, crops of its background another one.</summary>
/// <remarks>
/// Ru et al., "Token Contrast for Weakly-Supervised Semantic Segmentation", CVPR 2023, arXiv:2303.01267, equation 6, in the form of the
/// authors' code: for each of the two whole views t and each positive crop p, with s(x) = exp(t·x / temperature) and n the sum of s over
/// the negative crops, −ln(s(p) / (s(p) + n + 1e-4)); and once more with 1 in place of s(p). The sum over crops is divided by the number
/// of positive crops + 1e-4; then the mean over the two views and the batch.
/// </remarks>
public static class CropContrast
{
    private const double Epsilon = 1e-4;

    /// <param name="student">Of every crop, [crops, B, C].</param>
    /// <param name="teacher">Of the whole views, [2, B, C], without gradient.</param>
    /// <param name="positive">[B, crops], 1 for crops that show objects, 0 for background.</param>
    /// <returns>A scalar, float32.</returns>
    public static Tensor Of(Tensor student, Tensor teacher, Tensor positive, double temperature)
    {
        using var scope = NewDisposeScope();
        using var full = Autocast.Leave(student.device_type);
        var crops = student.to(ScalarType.Float32).permute(1, 2, 0); // [B, C, crops]
        var likeness = teacher.to(ScalarType.Float32).transpose(0, 1).matmul(crops) / temperature; // [B, 2, crops]
        var wanted = positive.to(ScalarType.Float32);
        var shares = likeness.exp();
        var negative = (shares * (1 - wanted).unsqueeze(1)).sum([2], keepdim: true); // [B, 2, 1]
        var terms = ((shares + negative + Epsilon).log() - likeness) * wanted.unsqueeze(1);
        var once = (1 + negative + Epsilon).log().squeeze(2);
        var image = (terms.sum([2]) + once).sum([1]) / 2 / (wanted.sum([1]) + Epsilon); // [B]
        return scope.MoveToOuter(image.mean());
    }
}
