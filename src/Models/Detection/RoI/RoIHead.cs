using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Models.Detection.Suppression;
using static TorchSharp.torch;

namespace Tessera.Models.Detection.RoI;

/// <summary>What the first stage hands to the second.</summary>
/// <param name="Maps">[B, C, H, W] each.</param>
/// <param name="Proposals">For each image, in pixels of the batch's tensor, best first.</param>
/// <param name="Areas">Where each image lies in its tensor.</param>
public sealed record RoIInput(Tensor[] Maps, IReadOnlyList<BoxArray> Proposals, IReadOnlyList<ImageArea> Areas);

/// <summary>Proposals to boxes with classes, and where there is a mask head to masks: the second of two stages.</summary>
[ComponentKind("roi head")]
public abstract class RoIHead(string name) : nn.Module(name)
{
    /// <summary>Classes that the head tells apart.</summary>
    public abstract int Classes { get; }

    /// <summary>Whether it finds masks, and is trained by them.</summary>
    public abstract bool FindsMasks { get; }

    /// <summary>The tensors with rows for classes, by their names in the head.</summary>
    public abstract IReadOnlyCollection<ClassTensor> ClassTensors { get; }

    /// <summary>Losses of one batch, by name.</summary>
    /// <param name="truths">One for each image; with masks where <see cref="FindsMasks"/>.</param>
    /// <param name="random">Which regions are looked at.</param>
    public abstract LossMap Losses(RoIInput input, IReadOnlyList<TruthBoxes> truths, RandomSource random, Progress progress);

    /// <summary>What is found in each image before suppression, in pixels of the batch's tensor, clipped to the image.</summary>
    /// <param name="scoreThr">A score must exceed it.</param>
    /// <returns>For each image the boxes, with the proposals (counted over all images) that they were made of as anchors, and whether all
    /// that the head gave were numbers.</returns>
    public abstract IReadOnlyList<(Candidates Found, bool IsFinite)> Detect(RoIInput input, float scoreThr);

    /// <summary>The logits by which regions are given classes: what explanations are of.</summary>
    /// <returns>[N, classes + 1], the background last, of the proposals of all images, with the maps' graph; their softmax is what
    /// <see cref="Detect"/> scores by.</returns>
    /// <exception cref="UserErrorException">The head does not say them.</exception>
    public virtual Tensor ClassLogits(RoIInput input) => throw Silent(nameof(ClassLogits));

    /// <summary>The map that each region is cut out of for its class.</summary>
    /// <exception cref="UserErrorException">The head does not say it.</exception>
    public virtual int[] LevelsOf(BoxArray regions) => throw Silent(nameof(LevelsOf));

    private UserErrorException Silent(string member) =>
        new($"{this.GetName()} does not say by what it gives regions their classes (RoIHead.{member}): its objects can't be explained.");

    /// <summary>The masks of found boxes.</summary>
    /// <param name="regions">In pixels of the batch's tensor.</param>
    /// <param name="labels">[regions.Count].</param>
    /// <returns>Probabilities, [regions.Count, S, S], of S x S equal parts of each box.</returns>
    /// <exception cref="InvalidOperationException">The head finds none.</exception>
    public abstract Tensor Masks(Tensor[] maps, RoIs regions, int[] labels);

    /// <summary>Pairs of prefixes, torchvision's below "roi_heads." and this head's own; null where torchvision has no such head.</summary>
    internal virtual IEnumerable<(string Foreign, string Own, bool ReadOnly)>? TorchvisionKeys => null;
}
