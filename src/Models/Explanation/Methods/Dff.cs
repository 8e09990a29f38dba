using Tessera.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Models.Explanation.Methods;

/// <param name="Components">How many concepts the activation is made of.</param>
/// <param name="Shared">All images of a batch have the same concepts; otherwise each its own.</param>
/// <param name="Rounds">At most this many rounds of the factorization.</param>
public sealed record DffOptions(
    [property: Range(1, 1000)] int Components = 5,
    bool Shared = false,
    [property: Range(1, 100_000)] int Rounds = 300
);

/// <summary>Concepts that a layer's activation is made of.</summary>
/// <param name="Maps">How much of each concept there is at each place: [B, k, h, w], not negative.</param>
/// <param name="Vectors">What it is made of: [B, k, C], not negative.</param>
/// <param name="Floor">What was taken off each channel so that nothing is negative, [B, C], at most 0: the activation is about Σ maps ·
/// vectors + floor.</param>
/// <param name="Effects">How much the score falls when a concept is left out, [B, k].</param>
/// <param name="Logits">Where the model is a classifier, what it says of a map that is the concept everywhere: [B, k, classes].</param>
/// <remarks>Of the dispose scope of who made them, float32 or as the activation.</remarks>
public sealed record DffConcepts(Tensor Maps, Tensor Vectors, Tensor Floor, Tensor Effects, Tensor? Logits);

/// <summary>The concept that matters most for the score, of a few whose sum the activation is.</summary>
/// <remarks>
/// Collins, Achanta and Süsstrunk, "Deep Feature Factorization For Concept Discovery", 2018, arXiv:1806.10206. The concepts come from a
/// factorization without negative values, which knows nothing of the score; the map is that of the concept without which the score falls
/// most. <see cref="Concepts"/> gives all.
/// </remarks>
[Component("Dff")]
public sealed class Dff(DffOptions options) : ActivationMethod
{
    public override string Title => "DFF";

    public override Tensor Contributions(ExplainedRun run)
    {
        using var scope = NewDisposeScope();
        using var still = no_grad();
        var concepts = Concepts(run);
        var most = concepts.Effects.argmax(1).cpu().contiguous().Values<long>();
        return scope.MoveToOuter(stack([.. most.Select((k, image) => Part(concepts, image, k))]));
    }

    /// <summary>All concepts of each image.</summary>
    public DffConcepts Concepts(ExplainedRun run)
    {
        using var scope = NewDisposeScope();
        using var still = no_grad();
        var activation = run.Activation.detach();
        var factors = Factors(activation);
        var (images, count) = ((int)activation.shape[0], (int)factors.Maps.shape[1]);
        var (effects, logits) = (new List<Tensor>(), new List<Tensor>());
        var scores = run.Scores.detach();
        for (var image = 0; image < images; image++)
        {
            using var inner = NewDisposeScope();
            var own = run.Images.narrow(0, image, 1).expand(count, -1, -1, -1);
            var parts = stack([.. Enumerable.Range(0, count).Select(k => Part(factors, image, k))]); // [k, C, h, w]
            var left = run.ScoresWith(own, [.. Enumerable.Repeat(image, count)], map => map - parts);
            effects.Add(inner.MoveToOuter(scores[image] - left));
            if (run.Outputs[0].dim() != 2)
                continue;
            var vectors = factors.Vectors[image] + factors.Floor[image]; // [k, C]
            logits.Add(inner.MoveToOuter(run.OutputsWith(own, map => vectors.unsqueeze(2).unsqueeze(3).expand_as(map))[0]));
        }
        var found = factors with { Effects = stack([.. effects]), Logits = logits.Count > 0 ? stack([.. logits]) : null };
        scope.MoveToOuter([found.Maps, found.Vectors, found.Floor, found.Effects, .. new[] { found.Logits }.OfType<Tensor>()]);
        return found;
    }

    // Without effects and logits.
    private DffConcepts Factors(Tensor activation)
    {
        var floor = activation.amin([2, 3]).clamp_max(0); // [B, C]
        if (options.Shared)
            floor = floor.amin([0], keepdim: true).expand_as(floor);
        var rows = (activation - floor.unsqueeze(2).unsqueeze(3)).flatten(2).transpose(1, 2).to(ScalarType.Float64); // [B, hw, C]
        var (maps, vectors) = (new List<Tensor>(), new List<Tensor>());
        foreach (var group in options.Shared ? [rows.flatten(0, 1)] : rows.unbind(0))
        {
            var (w, h) = NonnegativeFactors.Of(group, options.Components, options.Rounds);
            maps.Add(w.view(-1, activation.shape[2] * activation.shape[3], options.Components)); // [1 or B, hw, k]
            vectors.Add(h.unsqueeze(0).expand(options.Shared ? activation.shape[0] : 1, -1, -1));
        }
        var ofMaps = cat([.. maps], 0)
            .transpose(1, 2)
            .reshape(activation.shape[0], options.Components, activation.shape[2], activation.shape[3]);
        return new DffConcepts(ofMaps.to(activation.dtype), cat([.. vectors], 0).to(activation.dtype), floor.alias(), floor, null);
    }

    // A concept's share of the activation, [C, h, w].
    private static Tensor Part(DffConcepts concepts, int image, long k) =>
        concepts.Vectors[image, k].view(-1, 1, 1) * concepts.Maps[image, k].unsqueeze(0);
}
