using Tessera.Framework.Models;

namespace Tessera.Models.TaskModels.FineGrained;

/// <summary>What the authors' files of NTS-Net call the tensors of a <see cref="NtsNet"/>: their network's backbone and its classifier are
/// torchvision's ResNet, <c>pretrained_model</c>; the other parts have the same names here.</summary>
internal static class NtsNetKeys
{
    private const string Foreign = "pretrained_model.";
    private const string ForeignClassifier = "pretrained_model.fc.";
    private const string Backbone = "backbone.";
    private const string Classifier = "fc.";
    private static readonly string[] s_shared = ["proposal_net.", "concat_net.", "partcls_net."];

    /// <param name="torchvision">The backbone's map for torchvision's names.</param>
    public static KeyMap Map(KeyMap torchvision) =>
        new(key =>
            key.StartsWith(ForeignClassifier, StringComparison.Ordinal) ? Classifier + key[ForeignClassifier.Length..]
            : key.StartsWith(Foreign, StringComparison.Ordinal)
                ? torchvision.Rename(key[Foreign.Length..]) is { } own ? Backbone + own
                    : null
            : IsShared(key) ? key
            : null
        )
        {
            Publish = torchvision.Publish is not { } publish
                ? null
                : key =>
                    key.StartsWith(Classifier, StringComparison.Ordinal) ? ForeignClassifier + key[Classifier.Length..]
                    : key.StartsWith(Backbone, StringComparison.Ordinal)
                        ? publish(key[Backbone.Length..]) is { } name ? Foreign + name
                            : null
                    : IsShared(key) ? key
                    : null,
        };

    private static bool IsShared(string key) => Array.Exists(s_shared, part => key.StartsWith(part, StringComparison.Ordinal));
}
