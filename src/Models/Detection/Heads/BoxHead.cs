using Tessera.Framework.Models;
using Tessera.Models.Detection.Suppression;
using static TorchSharp.torch;

namespace Tessera.Models.Detection.Heads;

/// <summary>Which of a head's guesses are worth looking at.</summary>
/// <param name="ScoreThr">A score must exceed it.</param>
/// <param name="NmsPre">Of each map, at most this many of the best.</param>
public readonly record struct CandidateLimits(float ScoreThr, int NmsPre);

/// <summary>Feature maps to classes and boxes at every place of every map.</summary>
[ComponentKind("bbox head")]
public abstract class BoxHead(string name) : nn.Module<Tensor[], Tensor[]>(name)
{
    /// <summary>Losses of one batch, by name.</summary>
    /// <param name="outputs">What <c>call</c> gave.</param>
    /// <param name="truths">One for each image.</param>
    /// <param name="image">Height and width of the images, padding included.</param>
    public abstract LossMap Losses(Tensor[] outputs, IReadOnlyList<TruthBoxes> truths, (int Height, int Width) image);

    /// <summary>What the head found in each image, before suppression, in pixels of the batch's tensor.</summary>
    /// <param name="outputs">What <c>call</c> gave.</param>
    /// <param name="image">Height and width of the images, padding included.</param>
    public abstract IReadOnlyList<Candidates> Candidates(Tensor[] outputs, (int Height, int Width) image, CandidateLimits limits);

    /// <summary>The same by operators on tensors alone, as many candidates for every image, for files that other runtimes read.</summary>
    /// <returns>Boxes [B, N, 4], scores [B, N], 0 for what is no candidate, and labels [B, N], int64.</returns>
    public virtual (Tensor Boxes, Tensor Scores, Tensor Labels) CandidateTensors(
        Tensor[] outputs,
        (int Height, int Width) image,
        CandidateLimits limits
    ) =>
        throw new UserErrorException(
            $"{GetName()} does not give its boxes as tensors (BoxHead.CandidateTensors): they can't be computed within an exported file."
        );

    /// <summary>Where the classes' logits are, for explanations: for each map [B, A · classes, H, W], those of an anchor beside each
    /// other.</summary>
    /// <param name="outputs">What <c>call</c> gave.</param>
    public virtual Tensor[] ClassLogits(Tensor[] outputs) =>
        throw new UserErrorException(
            $"{GetName()} does not say where its logits are (BoxHead.ClassLogits): its objects can't be explained."
        );

    /// <summary>The place of an anchor, counted as in <see cref="Suppression.Candidates.Anchors"/>.</summary>
    /// <param name="logits">As <see cref="ClassLogits"/> gives them.</param>
    internal HeadPlace PlaceOf(int anchor, IReadOnlyList<Tensor> logits)
    {
        for (var level = 0; level < logits.Count; level++)
        {
            var (shapes, rows, columns) = ((int)logits[level].shape[1] / Classes, (int)logits[level].shape[2], (int)logits[level].shape[3]);
            if (anchor < shapes * rows * columns)
            {
                var (cell, shape) = Math.DivRem(anchor, shapes);
                return new HeadPlace(level, cell / columns, cell % columns, shape, rows, columns);
            }
            anchor -= shapes * rows * columns;
        }
        throw new ArgumentOutOfRangeException(nameof(anchor));
    }

    /// <summary>Pairs of prefixes, torchvision's and this head's own, below "head." there.</summary>
    internal abstract IEnumerable<(string Foreign, string Own, bool ReadOnly)> TorchvisionKeys { get; }

    /// <summary>Whether MMDetection's head of this kind usually has no such tensor; null: it has all.</summary>
    internal virtual Func<string, bool>? MmlabLacks => null;

    /// <summary>Whether a tensor of MMDetection's head of this kind follows from others, or from options; null: none does.</summary>
    internal virtual Func<string, bool>? MmlabComputed => null;

    /// <summary>The tensor of which another of MMDetection's head of this kind is a copy; null: there are none.</summary>
    internal virtual Func<string, string?>? MmlabRepeats => null;

    /// <summary>The key of the layer that has the classes as its outputs.</summary>
    internal abstract string ClassifierKey { get; }

    /// <summary>The tensors with rows for classes, by their names in the head.</summary>
    internal virtual IEnumerable<ClassTensor> ClassTensors => [new($"{ClassifierKey}.weight"), new($"{ClassifierKey}.bias")];

    /// <summary>Classes that the head tells apart.</summary>
    public abstract int Classes { get; }

    protected static int ClassesOf(string head, int? wanted, Framework.Data.DataInfo data) =>
        wanted is null || wanted == data.Classes.Count
            ? data.Classes.Count
            : throw new UserErrorException($"{head}: num_classes is {wanted}, but the data has {data.Classes.Count} classes.");

    protected static IReadOnlyList<(int Height, int Width)> SizesOf(IEnumerable<Tensor> maps) =>
        [.. maps.Select(map => ((int)map.shape[2], (int)map.shape[3]))];
}
