using System.Runtime.CompilerServices;
using static TorchSharp.torch;

namespace Tessera.Framework.Models.Peft;

/// <summary>A layer's weights while changes are worked into them, in double precision on the CPU; each result takes the former's
/// place.</summary>
public sealed class LayerWeights
{
    /// <summary>[out, in], [out, in / groups, kernel height, kernel width], or a norm's [channels].</summary>
    public required Tensor Weight { get; set; }

    /// <summary>[out]; null where the layer has none, and it gets none.</summary>
    public required Tensor? Bias { get; set; }
}

/// <summary>What a method changes at one layer, with the parameters that are trained for it.</summary>
/// <param name="name">Of the class.</param>
/// <param name="slice">The rows that are changed.</param>
public abstract class LayerChange(string name, LayerSlice slice) : nn.Module(name)
{
    private static readonly ConditionalWeakTable<nn.Module, List<LayerChange>> s_changes = [];

    public LayerSlice Slice => slice;

    /// <summary>Whether the layer's weights stand in for the change now: it is not computed.</summary>
    public bool IsMerged { get; internal set; }

    /// <summary>Why the change can't be worked into the layer's weights; null where it can.</summary>
    public virtual string? CannotMerge => null;

    /// <summary>What the layer is given in place of its input.</summary>
    public virtual Tensor Input(Tensor input) => input;

    /// <summary>What the layer gives in place of its output.</summary>
    /// <param name="input">As the layer got it.</param>
    public virtual Tensor Output(Tensor input, Tensor output) => output;

    /// <summary>Works what <see cref="Output"/> does into the weights.</summary>
    public virtual void MergeOutput(LayerWeights weights) { }

    /// <summary>Works what <see cref="Input"/> does into the weights; after all changes of the output.</summary>
    public virtual void MergeInput(LayerWeights weights) { }

    /// <summary>Whether a layer's output is another than its weights say: such a layer must run through its own <c>call</c>.</summary>
    public static bool IsOn(nn.Module layer) => s_changes.TryGetValue(layer, out var changes) && changes.Exists(change => !change.IsMerged);

    /// <summary>What a linear layer gives for zeros: its bias, unless something changes its output; null where that is zeros,
    /// too.</summary>
    /// <returns>[out].</returns>
    public static Tensor? BiasOf(TorchSharp.Modules.Linear layer)
    {
        if (!IsOn(layer))
            return layer.bias;
        var bias = layer.bias;
        var output = bias ?? zeros_like(layer.weight!.select(1, 0));
        var input = zeros_like(layer.weight!.narrow(0, 0, 1));
        return s_changes
            .GetOrCreateValue(layer)
            .Where(change => !change.IsMerged)
            .Aggregate(output.unsqueeze(0), (given, change) => change.Output(input, given))
            .squeeze(0);
    }

    /// <summary>From now on the layer is changed, after what changes it already.</summary>
    /// <exception cref="UserErrorException">The layer is none that can be changed.</exception>
    internal void Attach()
    {
        if (slice.Layer is not nn.Module<Tensor, Tensor> layer)
            throw new UserErrorException($"\"{slice.Name}\" can't be changed: {slice.Layer.GetName()} does not give one tensor for one.");
        s_changes.GetOrCreateValue(layer).Add(this);
        layer.register_forward_pre_hook((_, input) => IsMerged ? input : Input(input));
        layer.register_forward_hook((_, input, output) => IsMerged ? output : Output(input, output));
    }

    /// <summary>The changes of a layer, in their order.</summary>
    public static IReadOnlyList<LayerChange> Of(nn.Module layer) => s_changes.TryGetValue(layer, out var changes) ? changes : [];

    /// <summary>A parameter as <see cref="LayerWeights"/> has its tensors.</summary>
    protected static Tensor Exactly(Tensor parameter) => parameter.detach().cpu().to(ScalarType.Float64);

    /// <summary>The given values in the slice's rows, and <paramref name="elsewhere"/> in the others.</summary>
    /// <param name="values">[slice rows, …].</param>
    /// <returns>[rows of the layer, …].</returns>
    protected Tensor InRows(Tensor values, double elsewhere)
    {
        if (slice.IsWhole)
            return values;
        Tensor Rest(long count) => full([count, .. values.shape[1..]], elsewhere, dtype: values.dtype, device: values.device);
        return cat([Rest(slice.Start), values, Rest(slice.Rows - slice.Start - slice.Length)], 0);
    }

    /// <summary>A part of an output added to its rows, the others left as they are.</summary>
    /// <param name="part">As the output, with the slice's rows alone.</param>
    protected Tensor AddTo(Tensor output, Tensor part)
    {
        part = part.to(output.dtype);
        if (slice.IsWhole)
            return output + part;
        var along = slice.Along(output);
        var (before, after) = (slice.Start, slice.Rows - slice.Start - slice.Length);
        var parts = new List<Tensor>();
        if (before > 0)
            parts.Add(output.narrow(along, 0, before));
        parts.Add(output.narrow(along, before, slice.Length) + part);
        if (after > 0)
            parts.Add(output.narrow(along, before + slice.Length, after));
        return cat(parts, along);
    }
}
