using Tessera.Framework.Models;
using Tessera.Models.Attention;
using Tessera.Models.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Models.PseudoLabels;

/// <summary>What tells how much one place of an image belongs to another.</summary>
public enum AffinitySource
{
    /// <summary>The attention of a transformer, where it has any over the whole image; otherwise features.</summary>
    Auto,

    /// <summary>The weights with which patches attend to one another: their mean over heads, summed over all blocks.</summary>
    Attention,

    /// <summary>How alike the last features are: the positive part of their cosine, to a power.</summary>
    Features,
}

/// <summary>How much each place of images belongs to each other place.</summary>
/// <param name="Values">[B, N, N], not negative; row i says of whom place i takes. Owned by the caller's dispose scope.</param>
/// <param name="Height">Rows of the grid that the places lie on, in reading order.</param>
/// <param name="Width">Columns of it.</param>
public sealed record PatchAffinity(Tensor Values, int Height, int Width)
{
    /// <summary>More places than this would need more than a gigabyte.</summary>
    public const int MostPlaces = 12_000;

    /// <summary>Asks a model.</summary>
    /// <param name="images">[B, C, H, W].</param>
    /// <param name="power">Of the features' similarity.</param>
    /// <exception cref="UserErrorException">The model has no attention over the whole image and it is asked for, or the grid is too
    /// large.</exception>
    public static PatchAffinity Of(VisionModel model, Tensor images, AffinitySource source, double power = 1)
    {
        using var scope = NewDisposeScope();
        using var still = no_grad();
        if (source != AffinitySource.Features && OfAttention(model, images) is { } attention)
        {
            _ = scope.MoveToOuter(attention.Values);
            return attention;
        }
        if (source == AffinitySource.Attention)
            throw PseudoLabelErrors.NoAttention(model);
        var features = FeatureMaps.Last(model, images);
        var (height, width) = ((int)features.shape[2], (int)features.shape[3]);
        return new PatchAffinity(scope.MoveToOuter(OfFeatures(features, power)), height, width);
    }

    /// <summary>S = F Fᵀ of features of length 1, its positive part to a power, each row divided by its sum.</summary>
    /// <param name="features">[B, D, h, w].</param>
    /// <returns>[B, N, N]; its rows sum to 1.</returns>
    public static Tensor OfFeatures(Tensor features, double power)
    {
        using var scope = NewDisposeScope();
        RequirePlaces(features.shape[2], features.shape[3]);
        var places = features.flatten(2).transpose(1, 2); // [B, N, D]
        var directions = places / places.pow(2).sum(2, keepdim: true).sqrt().clamp_min(1e-12);
        var alike = directions.matmul(directions.transpose(1, 2)).clamp_min(0).clamp_max(1).pow(power);
        // A place without features is like itself alone.
        alike = alike + eye(alike.shape[1], device: alike.device).unsqueeze(0) * alike.sum(2, keepdim: true).eq(0);
        return scope.MoveToOuter(alike / alike.sum(2, keepdim: true));
    }

    /// <summary>Each place takes from all others what the affinity says, once: maps ← A · maps.</summary>
    /// <param name="maps">[B, K, h, w] of any grid; they are brought to the affinity's.</param>
    /// <returns>[B, K, Height, Width].</returns>
    public Tensor Spread(Tensor maps)
    {
        using var scope = NewDisposeScope();
        var places = OnGrid(maps).flatten(2).transpose(1, 2); // [B, N, K]
        var spread = Values.matmul(places).transpose(1, 2);
        return scope.MoveToOuter(spread.reshape(maps.shape[0], maps.shape[1], Height, Width));
    }

    /// <summary>A random walk over the places: T = the affinity to a power, each row divided by its sum; maps ← Tᵗ · maps.</summary>
    /// <param name="maps">[B, K, h, w] of any grid.</param>
    /// <param name="beta">The power; more keeps the walk among like places.</param>
    /// <param name="steps">t.</param>
    /// <returns>[B, K, Height, Width].</returns>
    /// <remarks>Ahn and Kwak, "Learning Pixel-level Semantic Affinity with Image-level Supervision", 2018, arXiv:1803.10464, section
    /// 3.3.</remarks>
    public Tensor Walk(Tensor maps, double beta, int steps)
    {
        using var scope = NewDisposeScope();
        var transition = Transition(beta);
        var places = OnGrid(maps).flatten(2).transpose(1, 2); // [B, N, K]
        for (var step = 0; step < steps; step++)
        {
            var before = places;
            places = transition.matmul(places);
            before.Dispose();
        }
        return scope.MoveToOuter(places.transpose(1, 2).reshape(maps.shape[0], maps.shape[1], Height, Width));
    }

    /// <summary>The probabilities of a step of the random walk.</summary>
    /// <param name="beta">The power of the affinity.</param>
    /// <returns>[B, N, N]; its rows sum to 1.</returns>
    public Tensor Transition(double beta)
    {
        using var scope = NewDisposeScope();
        // Relative to the row's greatest, so that a high power of small values doesn't vanish.
        var greatest = Values.amax([2], keepdim: true);
        var alone = eye(Values.shape[1], device: Values.device) * greatest.eq(0); // who takes of nobody stays where it is
        var powers = ((Values / greatest.clamp_min(1e-30)) + alone).pow(beta);
        return scope.MoveToOuter(powers / powers.sum(2, keepdim: true));
    }

    // The mean of what lies in a cell; between the places of a coarser map, straight lines.
    private Tensor OnGrid(Tensor maps) =>
        maps.shape[2] >= Height && maps.shape[3] >= Width
            ? nn.functional.interpolate(maps, [Height, Width], mode: InterpolationMode.Area)
            : Upsampling.To(maps, [Height, Width], alignCorners: false);

    private static PatchAffinity? OfAttention(VisionModel model, Tensor images)
    {
        AttentionWeights[] weights = [.. model.Having<AttentionWeights>().Select(entry => entry.Module)];
        if (weights.Length == 0)
            return null;
        TokenGrid? grid = null;
        using var sum = new RunningSum();
        using var watched = new WatchedWeights(weights, (_, given) => See(given));
        var hooks = model
            .Having<TokenAttention>()
            .Select(entry =>
                ModuleHooks.Before(entry.Module, (_, inputs) => grid = inputs.OfType<TokenGrid>().Cast<TokenGrid?>().LastOrDefault())
            )
            .ToArray();
        try
        {
            using (NewDisposeScope())
                _ = (model as IExplainable ?? throw PseudoLabelErrors.NotExplainable(model)).Outputs(images);
        }
        finally
        {
            foreach (var remove in hooks)
                remove?.Invoke();
        }
        return sum.Value is { } values && grid is { } found ? new PatchAffinity(values.alias(), found.Height, found.Width) : null;

        void See(Tensor given) // [B, heads, N, N], or of windows or of fewer keys
        {
            if (grid is not { } tokens || given.dim() != 4 || given.shape[2] != tokens.Count || given.shape[3] != tokens.Count)
                return;
            var places = tokens.Height * tokens.Width;
            if (places < 2 || given.shape[0] != images.shape[0] || (sum.Value is { } before && before.shape[1] != places))
                return;
            RequirePlaces(tokens.Height, tokens.Width);
            using var scope = NewDisposeScope();
            sum.Add(given.mean([1]).narrow(1, tokens.Leading, places).narrow(2, tokens.Leading, places).to(ScalarType.Float32));
        }
    }

    private static void RequirePlaces(long height, long width)
    {
        if (height * width > MostPlaces)
            throw PseudoLabelErrors.TooManyPlaces(height, width);
    }
}
