using Tessera.Framework.Models;
using static TorchSharp.torch;

namespace Tessera.Models.PseudoLabels;

/// <param name="Power">What similarities are raised to: more lets a patch listen to its nearest likes alone.</param>
/// <param name="Rounds">How often each patch takes the mean of its likes; 0 leaves the projections.</param>
public sealed record PatchSimilarityOptions([property: Range(0.01, 64)] double Power = 8, [property: Range(0, 64)] int Rounds = 1);

/// <summary>
/// Gives a network whose classifier is linear maps of its classes without any gradient: each patch's features are projected on the
/// classifier's direction of the class, then each patch takes the mean over all patches, weighted by how alike their features are.
/// </summary>
/// <remarks>
/// The features are the last that lie on the image before the classifier, normed as the classifier's input is: a vision transformer's
/// patch tokens after the last norm, a convolutional network's last map (where the projections alone are Zhou et al.'s CAM, without the
/// bias). S = F Fᵀ of features of length 1; its positive part to the given power, each row divided by its sum, multiplies the maps.
/// </remarks>
[Component("PatchSimilarity")]
public sealed class PatchSimilarity(PatchSimilarityOptions options) : ClassMapSource
{
    public override string Title => "patch similarity";

    public override Tensor Maps(VisionModel model, Tensor images, IReadOnlyList<int> classes)
    {
        using var scope = NewDisposeScope();
        using var still = no_grad();
        var directions = Directions(model); // [K, D]
        var wanted = tensor(classes.Select(label => (long)label).ToArray(), device: directions.device);
        var features = FeatureMaps.Last(model, images, directions.shape[1]); // [B, D, h, w]
        var (height, width) = (features.shape[2], features.shape[3]);
        var places = features.flatten(2).transpose(1, 2); // [B, N, D]
        var maps = places.matmul(directions.index_select(0, wanted).t()).clamp_min(0); // [B, N, classes]
        if (options.Rounds > 0)
        {
            var alike = PatchAffinity.OfFeatures(features, options.Power);
            for (var round = 0; round < options.Rounds; round++)
                maps = alike.matmul(maps);
        }
        return scope.MoveToOuter(maps.transpose(1, 2).reshape(images.shape[0], classes.Count, height, width));
    }

    private static Tensor Directions(VisionModel model)
    {
        var parameters = model.named_parameters().ToDictionary(entry => entry.name, entry => entry.parameter);
        foreach (var row in model.ClassTensors)
        {
            // [K, D], or the weight [K, D, 1, 1] of a convolution that looks at one place.
            if (
                row is { Groups: 1, RowsPerClass: 1, Others: 0 }
                && parameters.GetValueOrDefault(row.Name) is { } weight
                && weight.dim() >= 2
            )
                if (weight.numel() == weight.shape[0] * weight.shape[1])
                    return weight.detach().flatten(1).to(ScalarType.Float32);
        }
        throw PseudoLabelErrors.NoLinearClassifier(model);
    }
}
