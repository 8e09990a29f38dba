using Tessera.Framework.Models;
using Tessera.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Models.Explanation;

/// <summary>
/// One run of a model over images, opened at a layer: what the layer gave, the scores, and the derivatives of these by that.
/// The model runs in evaluation mode and without autocast; parameters, their gradients, its mode and hooks are afterwards as before.
/// </summary>
/// <remarks>Nothing before the layer has a graph, so that the backward pass costs what lies after the layer.</remarks>
public sealed class ExplainedRun : IDisposable
{
    private readonly List<Tensor> _kept = [];
    private readonly IReadOnlyList<int> _owners;
    private Tensor? _leaf;
    private Tensor? _gradient;

    /// <param name="model">An <see cref="IExplainable"/>.</param>
    /// <param name="images">[B, C, H, W], on the model's device; they must outlive the run. Of the size that the layer was found
    /// with.</param>
    /// <param name="target">What is explained.</param>
    /// <param name="layer">Where the model is opened; see <see cref="MapLayers"/>.</param>
    /// <param name="owners">[B]: which image of the target each is; themselves where unset.</param>
    /// <exception cref="UserErrorException">The model has no such layer, its scores don't depend on it, or its tokens lie otherwise over
    /// images of this size.</exception>
    public ExplainedRun(VisionModel model, Tensor images, ScoreTarget target, MapLayer layer, IReadOnlyList<int>? owners = null)
    {
        (Model, Images, Target, Layer) = (model, images, target, layer);
        _owners = owners ?? [.. Enumerable.Range(0, (int)images.shape[0])];
        if (!layer.Fits(images.shape[2], images.shape[3]))
            throw ExplanationErrors.OtherSize(layer, images);
        try
        {
            using var scope = NewDisposeScope();
            (Outputs, Scores) = Forward();
            Activation = Kept(Wide(layer.ToMap(Leaf.detach())));
            if (!Scores.requires_grad)
                throw ExplanationErrors.ScoreIgnoresLayer(layer.Name);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public VisionModel Model { get; }

    /// <summary>[B, C, H, W].</summary>
    public Tensor Images { get; }

    public ScoreTarget Target { get; }

    public MapLayer Layer { get; }

    /// <summary>[B]: which image of the target each is.</summary>
    public IReadOnlyList<int> Owners => _owners;

    /// <summary>What the model gave, with a graph from the layer on.</summary>
    public Tensor[] Outputs { get; }

    /// <summary>[B], with a graph from the layer on.</summary>
    public Tensor Scores { get; }

    /// <summary>What the layer gave, [B, C, h, w], in float32 at least, without graph.</summary>
    public Tensor Activation { get; }

    /// <summary>Derivatives of each image's score by what the layer gave, [B, C, h, w], in float32 at least.</summary>
    /// <exception cref="UserErrorException">The scores don't depend on any place of the layer's map.</exception>
    public Tensor Gradient => _gradient ??= FindGradient();

    /// <summary>The same, which can be differentiated again (by <see cref="Leaf"/>); of the caller's dispose scope.</summary>
    public Tensor DifferentiableGradient()
    {
        using var mode = enable_grad();
        using var precision = Autocast.Leave(Images.device_type);
        var raw = Derivatives.Of(Scores.sum(), [Leaf], createGraph: true)[0];
        return Wide(Layer.ToMap(raw ?? throw ExplanationErrors.ScoreIgnoresLayer(Layer.Name)));
    }

    /// <summary>What the layer gave in its own form, of which <see cref="Activation"/> is a view: derivatives are taken by it.</summary>
    public Tensor Leaf => _leaf ?? throw new UserErrorException($"\"{Layer.Name}\" does not run when images go through the model.");

    /// <summary>The class of each image, [B], on its device, where the target is a class.</summary>
    internal Tensor ClassesOfImages() =>
        tensor(_owners.Select(owner => (long)((ClassTarget)Target).Classes[owner]).ToArray(), device: Images.device);

    /// <summary>The scores of other images, without graph.</summary>
    /// <param name="images">[R, C, H, W].</param>
    /// <param name="owners">[R]: which of the batch's images each is a version of, so that it is asked for that one's class.</param>
    /// <returns>[R], owned by the caller's dispose scope.</returns>
    public Tensor ScoresOf(Tensor images, IReadOnlyList<int> owners)
    {
        using var scope = NewDisposeScope();
        using var still = no_grad();
        using var evaluation = new InEvaluation(Model, images.device_type);
        return scope.MoveToOuter(Target.Of(Model.Explainable().Outputs(images), Owned(owners)));
    }

    /// <summary>The scores where the layer gives something else, without graph.</summary>
    /// <param name="images">[R, C, H, W].</param>
    /// <param name="owners">As of <see cref="ScoresOf"/>.</param>
    /// <param name="change">Gets the layer's map, [R, C, h, w], and gives what is to stand in its place.</param>
    /// <returns>[R], owned by the caller's dispose scope.</returns>
    public Tensor ScoresWith(Tensor images, IReadOnlyList<int> owners, Func<Tensor, Tensor> change)
    {
        using var scope = NewDisposeScope();
        using var still = no_grad();
        return scope.MoveToOuter(Target.Of(OutputsWith(images, change), Owned(owners)));
    }

    /// <summary>What the model gives where the layer gives something else, without graph.</summary>
    /// <param name="images">[R, C, H, W].</param>
    /// <param name="change">As of <see cref="ScoresWith"/>.</param>
    /// <returns>Owned by the caller's dispose scope.</returns>
    public Tensor[] OutputsWith(Tensor images, Func<Tensor, Tensor> change)
    {
        using var still = no_grad();
        using var evaluation = new InEvaluation(Model, images.device_type);
        using var opened = OnOutput(output => Layer.FromMap(change(Layer.ToMap(output)), output));
        return Model.Explainable().Outputs(images);
    }

    public void Dispose()
    {
        foreach (var tensor in _kept)
            tensor.Dispose();
        _kept.Clear();
    }

    private int[] Owned(IReadOnlyList<int> owners) => [.. owners.Select(owner => _owners[owner])];

    // Up to the layer without graph, from there on with one.
    private (Tensor[] Outputs, Tensor Scores) Forward()
    {
        using var still = no_grad();
        using var evaluation = new InEvaluation(Model, Images.device_type);
        var modes = new List<IDisposable>();
        try
        {
            using var opened = OnOutput(output =>
            {
                _leaf = Kept(output.detach().clone().requires_grad_(true)); // the model's own scopes would free it
                modes.Add(enable_grad());
                return _leaf.clone(); // users may change it in place
            });
            var outputs = Model.Explainable().Outputs(Images);
            modes.Add(enable_grad());
            return ([.. outputs.Select(Kept)], Kept(Target.Of(outputs, _owners)));
        }
        finally
        {
            for (var i = modes.Count - 1; i >= 0; i--)
                modes[i].Dispose();
        }
    }

    private Tensor FindGradient()
    {
        using var scope = NewDisposeScope();
        using var mode = enable_grad(); // the caller may have switched gradients off
        using var precision = Autocast.Leave(Images.device_type);
        var raw = Derivatives.Of(Scores.sum(), [Leaf], retainGraph: true)[0];
        var gradient = Layer.ToMap(raw ?? throw ExplanationErrors.ScoreIgnoresLayer(Layer.Name));
        return gradient.ne(0).any().item<bool>() ? Kept(Wide(gradient).alias()) : throw ExplanationErrors.ZeroGradient(Layer.Name);
    }

    private static Tensor Wide(Tensor map) => map.dtype is ScalarType.BFloat16 or ScalarType.Float16 ? map.to(ScalarType.Float32) : map;

    private Tensor Kept(Tensor tensor)
    {
        _kept.Add(tensor.DetachFromDisposeScope());
        return tensor;
    }

    // The layer's output goes through a function, in that of its runs which is meant.
    private Opened OnOutput(Func<Tensor, Tensor> change)
    {
        var module =
            Model.named_modules().FirstOrDefault(entry => entry.name == Layer.Name).module
            ?? throw ExplanationErrors.NoLayer(Model, Layer.Name);
        var calls = 0;
        var remove = ModuleHooks.After(
            module,
            (_, output) =>
                calls++ != Layer.Call
                    ? output
                    : output switch
                    {
                        Tensor tensor => change(tensor),
                        Tensor[] several => several.Select((tensor, i) => i == Layer.Output ? change(tensor) : tensor).ToArray(),
                        _ => output,
                    }
        );
        return new Opened(remove ?? throw ExplanationErrors.NoLayer(Model, Layer.Name));
    }

    private readonly struct Opened(Action remove) : IDisposable
    {
        public void Dispose() => remove();
    }
}
