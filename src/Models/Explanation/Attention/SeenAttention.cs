using Tessera.Framework.Models;
using Tessera.Models.Attention;
using Tessera.Torch;
using static TorchSharp.torch;

namespace Tessera.Models.Explanation.Attention;

/// <summary>
/// What every attention layer of a model attended for some images, and, where a score is to be explained, the derivatives of the score
/// by the weights. Parameters, their gradients, hooks and the model's mode stay as they are.
/// </summary>
/// <example><code>
/// using var seen = SeenAttention.Of(model, images, new ClassTarget([281], names));
/// using var map = AttentionSynthesis.Map(seen, SynthesisKind.Relevance); // [1, height, width]
/// </code></example>
public sealed class SeenAttention : IDisposable
{
    private readonly List<AttentionBlock> _blocks = [];

    private SeenAttention() { }

    /// <summary>In the order in which they ran.</summary>
    public IReadOnlyList<AttentionBlock> Blocks => _blocks;

    /// <summary>Whether the score reads the first leading token (a class token), so that attention is seen from there; otherwise it is the
    /// mean over the grid's tokens. Without a score: whether there is a leading token.</summary>
    public bool FromLeading { get; private set; }

    /// <summary>Whether a model has attention whose weights can be seen.</summary>
    public static bool IsIn(VisionModel model) =>
        model.Having<AttentionWeights>().Any(entry => entry.Name.Contains('.', StringComparison.Ordinal));

    /// <param name="model">An <see cref="IExplainable"/>; it runs in evaluation mode.</param>
    /// <param name="images">[B, C, H, W], on the model's device.</param>
    /// <param name="target">The score whose derivatives are wanted; null: none.</param>
    /// <exception cref="UserErrorException">The model has no attention, or a layer doesn't say how its weights lie.</exception>
    public static SeenAttention Of(VisionModel model, Tensor images, ScoreTarget? target = null)
    {
        var explainable = model.Explainable();
        var watched = WatchedLayers(model);
        if (watched.Count == 0)
            throw AttentionErrors.None(model);
        var seen = new SeenAttention();
        try
        {
            using var run = new Run(watched, (int)images.shape[2], (int)images.shape[3]);
            using var scope = NewDisposeScope();
            using var evaluation = new InEvaluation(model, images.device_type);
            using var mode = target is null ? (IDisposable)no_grad() : enable_grad();
            // Even where all parameters are frozen there is a graph.
            var outputs = explainable.Outputs(target is null ? images : images.detach().clone().requires_grad_(true));
            var gradients = target is null
                ? null
                : Gradients(run, target.Of(outputs, [.. Enumerable.Range(0, (int)images.shape[0])]).sum());
            for (var i = 0; i < run.Ran.Count; i++)
                seen._blocks.Add(Block(i, run, run.Ran[i], gradients?[i]));
            seen.FromLeading = seen._blocks.Count > 0 && seen._blocks[^1].ReachesLeading();
            return seen._blocks.Count > 0 ? seen : throw AttentionErrors.None(model);
        }
        catch
        {
            seen.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        foreach (var block in _blocks)
            block.Dispose();
        _blocks.Clear();
    }

    // Layers by name, with the module whose child the weights go through.
    private static List<Layer> WatchedLayers(VisionModel model)
    {
        var modules = model.named_modules().ToDictionary(entry => entry.name, entry => entry.module);
        return
        [
            .. from entry in model.Having<AttentionWeights>()
            let end = entry.Name.LastIndexOf('.')
            where end > 0
            select new Layer(entry.Name[..end], modules[entry.Name[..end]], model.Tap(entry.Name)),
        ];
    }

    private static Tensor?[] Gradients(Run run, Tensor score)
    {
        if (!score.requires_grad)
            throw AttentionErrors.ScoreIgnores(run.Ran[^1].Name);
        return Derivatives.Of(score, [.. run.Ran.Select(layer => layer.Tap.Value)]);
    }

    private static AttentionBlock Block(int index, Run run, Layer layer, Tensor? gradient)
    {
        var map = layer.Module as IAttentionMap;
        var weights = layer.Tap.Value;
        var grid = layer.Grid ?? run.Guess(weights) ?? throw AttentionErrors.NoGrid(layer.Name, weights.shape);
        if (map is null && (weights.dim() != 4 || weights.shape[2] != grid.Count || weights.shape[3] != grid.Count))
            throw AttentionErrors.NoForm(layer.Name, weights.shape, grid);
        return new AttentionBlock(index, layer.Name, map, grid, Kept(weights.detach()), gradient is null ? null : Kept(gradient.detach()));

        static Tensor Kept(Tensor tensor) =>
            (
                tensor.dtype is ScalarType.Float32 or ScalarType.Float64 ? tensor.clone() : tensor.to(ScalarType.Float32)
            ).DetachFromDisposeScope();
    }

    /// <summary>A layer with attention, while the model runs.</summary>
    private sealed class Layer(string name, nn.Module module, Tap tap)
    {
        public string Name => name;

        public nn.Module Module => module;

        public Tap Tap => tap;

        public TokenGrid? Grid { get; set; }
    }

    /// <summary>Taps and hooks of one run, taken off with it.</summary>
    private sealed class Run : IDisposable
    {
        private readonly IReadOnlyList<Layer> _layers;
        private readonly List<Action> _hooks = [];
        private readonly (int Height, int Width) _image;

        public Run(IReadOnlyList<Layer> layers, int height, int width)
        {
            (_layers, _image) = (layers, (height, width));
            foreach (var layer in layers)
                if (ModuleHooks.Before(layer.Module, (called, inputs) => Began(layer, called, inputs)) is { } remove)
                    _hooks.Add(remove);
        }

        /// <summary>In the order in which they ran last.</summary>
        public List<Layer> Ran { get; } = [];

        public TokenGrid? Guess(Tensor weights) =>
            weights.dim() == 4 ? TokenGrids.Guess(weights.shape[2], _image.Height, _image.Width) : null;

        public void Dispose()
        {
            foreach (var remove in _hooks)
                remove();
            foreach (var layer in _layers)
                layer.Tap.Dispose();
        }

        private void Began(Layer layer, nn.Module called, object?[] inputs)
        {
            Ran.Remove(layer);
            Ran.Add(layer);
            layer.Grid =
                inputs.OfType<TokenGrid>().Select(grid => (TokenGrid?)grid).FirstOrDefault()
                ?? (called as IHasTokenGrid)?.GridOf(_image.Height, _image.Width);
        }
    }
}
