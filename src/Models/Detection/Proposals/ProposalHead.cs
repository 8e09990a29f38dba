using Tessera.Framework.Data;
using Tessera.Framework.Models;
using static TorchSharp.torch;

namespace Tessera.Models.Detection.Proposals;

/// <summary>Feature maps to boxes in which there may be an object, of whatever class: the first of two stages.</summary>
[ComponentKind("rpn head")]
public abstract class ProposalHead(string name) : nn.Module<Tensor[], Tensor[]>(name)
{
    /// <summary>Losses of one batch, by name.</summary>
    /// <param name="outputs">What <c>call</c> gave.</param>
    /// <param name="truths">One for each image.</param>
    /// <param name="image">Height and width of the images, padding included.</param>
    /// <param name="random">Which anchors are looked at.</param>
    public abstract LossMap Losses(Tensor[] outputs, IReadOnlyList<TruthBoxes> truths, (int Height, int Width) image, RandomSource random);

    /// <summary>The proposals of each image, best first, clipped to it.</summary>
    /// <param name="outputs">What <c>call</c> gave.</param>
    /// <param name="image">Height and width of the images, padding included.</param>
    /// <param name="areas">Where each image lies in its tensor.</param>
    /// <param name="training">As many as the second stage is trained by; otherwise as it predicts by.</param>
    public abstract IReadOnlyList<BoxArray> Proposals(
        Tensor[] outputs,
        (int Height, int Width) image,
        IReadOnlyList<ImageArea> areas,
        bool training
    );

    /// <summary>Pairs of prefixes, torchvision's below "rpn.head." and this head's own.</summary>
    internal virtual IEnumerable<(string Foreign, string Own, bool ReadOnly)> TorchvisionKeys => [];
}
