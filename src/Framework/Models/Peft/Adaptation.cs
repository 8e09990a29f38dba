using Tessera.Framework.Components;
using Tessera.Torch.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Tessera.Framework.Models.Peft;

/// <summary>
/// What parameter-efficient methods have made of a model: which of its tensors are the base, which are trained, and how the one is
/// worked into the other.
/// </summary>
public sealed class Adaptation
{
    /// <summary>The child of the model that holds what the methods add; their tensors' names begin so.</summary>
    public const string ModuleName = "peft";

    private readonly PeftTree _tree;
    private readonly VisionModel _model;
    private readonly HashSet<string> _base;
    private readonly List<(Tensor Own, Tensor Copy)> _copies = [];
    private BaseIdentity? _identity;

    private Adaptation(VisionModel model)
    {
        _model = model;
        var backbones = model.Having<Backbone>().ToArray();
        _tree = new PeftTree(backbones.Select(entry => entry.Module));
        foreach (var parameter in backbones.SelectMany(entry => entry.Module.parameters()))
            parameter.requires_grad = false;
        var classes = model.ClassTensors.Select(tensor => tensor.Name).ToHashSet();
        foreach (var (name, parameter) in model.named_parameters())
            if (classes.Contains(name))
                parameter.requires_grad = true; // as the head, wherever it stands
        foreach (var (key, method) in model.Peft!)
        foreach (var (path, backbone) in backbones)
            method.Apply(new PeftSite(this, key, NameOf(method), path, backbone));
        Kept.Keep(_tree);
        model.register_module(ModuleName, _tree);

        var trained = model.named_parameters().Where(entry => entry.parameter.requires_grad).Select(entry => entry.name).ToHashSet();
        _base =
        [
            .. backbones
                .SelectMany(entry => entry.Module.state_dict().Keys.Select(key => $"{entry.Name}.{key}"))
                .Where(name => !trained.Contains(name)),
        ];
        LeftOut = ModelInitialization.FilledIn(model).Where(_base.Contains).ToHashSet();
        model.train(model.training); // the base's norms keep their statistics from now on
    }

    /// <summary>Names of the base's tensors, frozen all: parameters and statistics of the backbones.</summary>
    public IReadOnlySet<string> Base => _base;

    /// <summary>
    /// Those of the base that came from a file as they are and can be had from there again: checkpoints leave them out. Empty where the
    /// base's first weights are random.
    /// </summary>
    public IReadOnlySet<string> LeftOut { get; }

    /// <summary>What the left out tensors hold; null where none is left out.</summary>
    public BaseIdentity? Identity =>
        LeftOut.Count == 0
            ? null
            : _identity ??= new BaseIdentity(IdentityOf(LeftOut), LeftOut.Count, ModelInitialization.SourceOf(_model) ?? "");

    /// <summary>Parameters that are trained, those outside of the backbones left aside: what the methods add, and of the base what they
    /// name.</summary>
    public IEnumerable<(string Name, Parameter Parameter)> Adapted =>
        from entry in _model.named_parameters()
        where entry.parameter.requires_grad && (Trained.Contains(entry.name) || IsAdded(entry.name))
        select (entry.name, entry.parameter);

    /// <summary>Whether the weights stand in for what the methods do.</summary>
    public bool IsMerged { get; private set; }

    internal List<LayerChange> Changes { get; } = [];

    /// <summary>Parameters of the base that methods train.</summary>
    internal HashSet<string> Trained { get; } = [];

    internal HashSet<Backbone> Prompted { get; } = [];

    /// <summary>Whether a tensor of the model was added by a method.</summary>
    public static bool IsAdded(string name) => name.StartsWith(ModuleName + ".", StringComparison.Ordinal);

    /// <summary>Freezes a model's backbones and adds what its <c>peft</c> says. Once, after the first weights are set and before
    /// optimizers are made.</summary>
    /// <returns>null where the model has no such methods.</returns>
    /// <exception cref="UserErrorException">The backbone lacks what a method needs.</exception>
    public static Adaptation? Attach(VisionModel model)
    {
        if (model.Adaptation is null && model.Peft is { Count: > 0 })
            model.Adaptation = new Adaptation(model);
        return model.Adaptation;
    }

    /// <summary>Works what the methods do into the backbone's weights, which give the same from then on, but for rounding.</summary>
    /// <exception cref="UserErrorException">A method's work is none that weights can do.</exception>
    public void Merge()
    {
        if (IsMerged)
            return;
        foreach (var (key, method) in _model.Peft!)
            if (method.CannotMerge is { } why)
                throw new UserErrorException($"peft.{key} ({NameOf(method)}) can't be merged: {why}");
        foreach (var change in Changes)
            if (change.CannotMerge is { } why)
                throw new UserErrorException($"\"{change.Slice.Name}\" can't be merged: {why}");
        using var still = no_grad();
        using var scope = NewDisposeScope();
        foreach (var slice in Changes.Select(change => change.Slice).DistinctBy(slice => slice.Layer))
            MergeLayer(slice);
        foreach (var change in Changes)
            change.IsMerged = true;
        IsMerged = true;
    }

    /// <summary>Takes <see cref="Merge"/> back: the base is as it was, bit for bit.</summary>
    public void Unmerge()
    {
        using var still = no_grad();
        foreach (var (own, copy) in _copies)
        {
            own.copy_(copy);
            copy.Dispose();
        }
        _copies.Clear();
        foreach (var change in Changes)
            change.IsMerged = false;
        IsMerged = false;
    }

    /// <summary>SHA-256 of tensors of the model: of their names, types, shapes and values.</summary>
    public string IdentityOf(IEnumerable<string> names) => BaseIdentity.Hash(_model.state_dict(), names);

    internal void Register(string path, nn.Module module) => _tree.Add(path, module);

    private void MergeLayer(LayerSlice slice)
    {
        var (weight, bias) = (slice.Weight, slice.Bias);
        Tensor Double(Tensor tensor) => tensor.detach().cpu().to(ScalarType.Float64);
        var merged = new LayerWeights { Weight = Double(weight), Bias = bias is null ? null : Double(bias) };
        var changes = LayerChange.Of(slice.Layer);
        foreach (var change in changes)
            change.MergeOutput(merged);
        foreach (var change in changes)
            change.MergeInput(merged);
        Set(weight, merged.Weight);
        if (bias is not null)
            Set(bias, merged.Bias!);

        void Set(Tensor own, Tensor value)
        {
            _copies.Add((own, own.detach().clone().DetachFromDisposeScope()));
            own.copy_(value);
        }
    }

    private static string NameOf(PeftMethod method) =>
        method.GetType().GetCustomAttributes(typeof(ComponentAttribute), false).OfType<ComponentAttribute>().FirstOrDefault()?.Name
        ?? method.GetType().Name;
}
