using Tessera.Models.Detection.Anchors;
using Tessera.Models.Detection.Coders;
using Tessera.Models.Detection.Suppression;
using Tessera.Models.Losses.Detection;
using static TorchSharp.torch;

namespace Tessera.Models.Detection.Heads;

/// <summary>What a head says, in float32, beside the anchors it says it of.</summary>
/// <param name="Logits">For each map [B, A · C, H, W].</param>
/// <param name="Codes">For each map [B, A · 4, H, W], as the head's coder reads them.</param>
/// <param name="Factors">For each map [B, A, H, W], further logits; null: none.</param>
internal readonly record struct DenseOutputs(AnchorGrid Grid, Tensor[] Logits, Tensor[] Codes, Tensor[]? Factors = null);

/// <summary>A head that says of every anchor (or place) its classes and, by a coder's numbers, its box.</summary>
public abstract class DenseHead : BoxHead
{
    private protected DenseHead(string name)
        : base(name) { }

    /// <param name="outputs">What <c>call</c> gave, the class logits of all maps first.</param>
    /// <param name="image">Height and width of the images, padding included.</param>
    private protected abstract DenseOutputs Read(Tensor[] outputs, (int Height, int Width) image);

    /// <summary>How a map's numbers become boxes.</summary>
    private protected abstract BoxCoder Coder { get; }

    /// <summary>How the classes and the factors become scores.</summary>
    private protected virtual CandidateScore Score => CandidateScore.Alone;

    /// <summary>How many maps the head looks at.</summary>
    private protected abstract int Maps { get; }

    public override IReadOnlyList<Candidates> Candidates(Tensor[] outputs, (int Height, int Width) image, CandidateLimits limits)
    {
        using var scope = NewDisposeScope();
        using var still = no_grad();
        var found = Read(outputs, image);
        return CandidateSelection.Select(found.Grid, found.Logits, found.Codes, found.Factors, Score, Coder, limits);
    }

    public override (Tensor Boxes, Tensor Scores, Tensor Labels) CandidateTensors(
        Tensor[] outputs,
        (int Height, int Width) image,
        CandidateLimits limits
    )
    {
        var found = Read(outputs, image);
        return Heads.CandidateTensors.Select(found.Grid, found.Logits, found.Codes, found.Factors, Score, Coder, limits);
    }

    public override Tensor[] ClassLogits(Tensor[] outputs) => outputs[..Maps];

    /// <exception cref="UserErrorException">There are more maps than the head was built for, or fewer.</exception>
    private protected void RequireMaps(Tensor[] maps)
    {
        if (maps.Length != Maps)
            throw new UserErrorException($"{GetName()} was built for {Maps} maps; it gets {maps.Length}.");
    }

    /// <summary>Outputs of as many kinds, all maps of one kind after the other, in float32.</summary>
    private protected static Tensor[][] Kinds(Tensor[] outputs, int kinds) =>
        [.. outputs.Select(map => map.to(ScalarType.Float32)).Chunk(outputs.Length / kinds)];

    /// <summary>A box loss of coded boxes, on boxes or on the coder's numbers as it wants them.</summary>
    /// <param name="codes">[P, 4], found.</param>
    /// <param name="boxes">[P, 4], to be found.</param>
    /// <param name="weights">[P].</param>
    private protected Tensor BoxSum(BoxLoss loss, Tensor anchors, Tensor codes, Tensor boxes, Tensor weights) =>
        loss.OnBoxes ? loss.Sum(Coder.Decode(anchors, codes), boxes, weights) : loss.Sum(codes, Coder.Encode(anchors, boxes), weights);

    /// <exception cref="UserErrorException">The loss can't teach a score how good a box is.</exception>
    private protected static void RequireQuality(string head, ClassLoss loss)
    {
        if (!loss.TakesQuality)
            throw new UserErrorException(
                $"{head}: scores are to say how good a box is, for which loss_cls needs targets between 0 and 1. QualityFocalLoss, "
                    + $"VarifocalLoss and CrossEntropyLoss take them; {loss.GetType().Name} doesn't."
            );
    }
}
