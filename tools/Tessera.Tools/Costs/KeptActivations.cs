using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Framework.Running.Diagnosis;
using Tessera.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Tools.Costs;

/// <summary>What a forward pass keeps for its backward pass, by a rule over the operators that ran.</summary>
/// <remarks>
/// A value has a gradient where something trained went into it. Of an operator whose result has none, nothing is kept. Otherwise: products
/// (convolutions, matrix products, multiplications) keep each factor whose other factor has a gradient; ReLU, softmax, sigmoid and tanh
/// keep their result; attention keeps queries, keys, values and its result; what is linear in its inputs (sums, means, views, resizing)
/// keeps nothing; maximum pooling keeps its input and an index of 8 bytes for each result; anything else, norms and GELU among them, keeps
/// its inputs. Memory that several keep counts once; the parameters themselves don't count. In evaluation mode, so without the masks of
/// dropout.
/// </remarks>
internal sealed class KeptActivations
{
    private const string Library = "aten::";
    private const int IndexSize = sizeof(long);
    private const int TrainedEnd = 0,
        OthersEnd = 1; // marks after the parameters

    private static readonly HashSet<string> s_products =
    [
        "linear",
        "conv1d",
        "conv2d",
        "conv3d",
        "conv_transpose2d",
        "convolution",
        "matmul",
        "mm",
        "bmm",
        "mv",
        "einsum",
        "mul",
        "div",
    ];

    private static readonly HashSet<string> s_scaledProducts = ["addmm", "baddbmm", "addbmm"];

    private static readonly HashSet<string> s_byResult =
    [
        "relu",
        "softmax",
        "_softmax",
        "log_softmax",
        "_log_softmax",
        "sigmoid",
        "tanh",
        "exp",
        "sqrt",
        "rsqrt",
        "relu6",
    ];

    private static readonly HashSet<string> s_linear =
    [
        "add",
        "sub",
        "rsub",
        "neg",
        "sum",
        "mean",
        "view",
        "reshape",
        "flatten",
        "unflatten",
        "permute",
        "transpose",
        "t",
        "squeeze",
        "unsqueeze",
        "expand",
        "expand_as",
        "repeat",
        "select",
        "narrow",
        "slice",
        "cat",
        "stack",
        "unbind",
        "chunk",
        "split",
        "contiguous",
        "clone",
        "to",
        "_to_copy",
        "alias",
        "detach",
        "dropout",
        "feature_dropout",
        "avg_pool2d",
        "adaptive_avg_pool2d",
        "upsample_bilinear2d",
        "upsample_nearest2d",
        "pad",
        "constant_pad_nd",
        "roll",
        "flip",
        "type_as",
        "view_as",
        "movedim",
        "clone",
        "unfold",
        "im2col",
        "as_strided",
        "size",
        "empty",
        "zeros",
        "ones",
        "index_select",
    ];

    private readonly Dictionary<long, long> _identities = []; // of what lies in memory now, which may have held something else before
    private readonly Dictionary<long, bool> _hasGradient = []; // by identity, as the following
    private readonly Dictionary<long, long> _bytes = [];
    private readonly HashSet<long> _weights = [];
    private readonly HashSet<long> _kept = [];
    private long _last; // of the identities given to results
    private long _indices;

    /// <returns>Bytes for one image.</returns>
    public static long Of(VisionModel model, int height, int width, int channels = 3)
    {
        var training = model.training;
        model.eval();
        try
        {
            return new KeptActivations().Sum(OperatorTrace.Record(() => Run(model, height, width, channels)));
        }
        finally
        {
            model.train(training);
        }
    }

    private static void Run(VisionModel model, int height, int width, int channels)
    {
        using var scope = NewDisposeScope();
        using (no_grad())
        {
            // An operator on each tells its memory.
            foreach (var parameter in model.parameters().Where(parameter => parameter.requires_grad))
                parameter.detach();
            OperatorTrace.Mark(TrainedEnd);
            foreach (var other in model.parameters().Where(parameter => !parameter.requires_grad).Concat(model.buffers()))
                other.detach();
            OperatorTrace.Mark(OthersEnd);
        }
        using var gradients = enable_grad();
        var sample = new Sample
        {
            Index = 0,
            Name = "random",
            Geometry = new Geometry(height, width, System.Numerics.Matrix3x2.Identity),
        };
        using var batch = new Batch { Images = randn(1, channels, height, width).DetachFromDisposeScope(), Samples = [sample] };
        ShapeMistake.Guard<object>(
            model,
            batch,
            () => model is IExplainable network ? network.Outputs(batch.Images) : model.Predict(batch)
        );
    }

    private long Sum(OperatorTrace trace)
    {
        var mark = -1;
        foreach (var node in trace.Operators)
        {
            if (node.Mark is { } reached)
                mark = reached;
            else if (node.Parent is not null)
                continue;
            else if (mark < OthersEnd)
                foreach (var tensor in node.Inputs.SelectMany(value => value.Tensors))
                {
                    _weights.Add(Identity(tensor));
                    _hasGradient[Identity(tensor)] = mark < TrainedEnd;
                }
            else
                See(node);
        }
        return _kept.Where(storage => !_weights.Contains(storage)).Sum(storage => _bytes.GetValueOrDefault(storage)) + _indices;
    }

    private void See(TracedOperator node)
    {
        var inputs = node.Inputs.SelectMany(value => value.Tensors).ToArray();
        var outputs = node.Outputs.SelectMany(value => value.Tensors).ToArray();
        var gradient = inputs.Any(HasGradient);
        foreach (var tensor in inputs)
            _bytes[Identity(tensor)] = Math.Max(tensor.Elements * tensor.ElementSize, _bytes.GetValueOrDefault(Identity(tensor)));
        var given = inputs.Select(tensor => tensor.Storage).ToHashSet();
        foreach (var tensor in outputs)
        {
            var isNew = given.Add(tensor.Storage);
            if (isNew)
                _identities[tensor.Storage] = --_last;
            var identity = Identity(tensor);
            _hasGradient[identity] = gradient || (!isNew && HasGradient(tensor));
            var bytes = tensor.Elements * tensor.ElementSize;
            _bytes[identity] = isNew ? bytes : Math.Max(bytes, _bytes.GetValueOrDefault(identity));
        }
        if (gradient)
            Keep(node, inputs, outputs);
    }

    private void Keep(TracedOperator node, TracedTensor[] inputs, TracedTensor[] outputs)
    {
        var name = (node.Name.StartsWith(Library, StringComparison.Ordinal) ? node.Name[Library.Length..] : node.Name).TrimEnd('_');
        if (s_products.Contains(name))
            Factors(name is "linear" || name.StartsWith("conv", StringComparison.Ordinal) ? inputs[..Math.Min(2, inputs.Length)] : inputs);
        else if (s_scaledProducts.Contains(name))
            Factors(inputs[1..Math.Min(3, inputs.Length)]);
        else if (s_byResult.Contains(name))
            Add(outputs.Take(1));
        else if (name == "scaled_dot_product_attention")
            Add(inputs.Take(3).Concat(outputs.Take(1)));
        else if (name.StartsWith("max_pool", StringComparison.Ordinal))
        {
            Add(inputs);
            _indices += outputs.Take(1).Sum(tensor => tensor.Elements) * IndexSize;
        }
        else if (!s_linear.Contains(name))
            Add(inputs);
    }

    private void Factors(TracedTensor[] factors)
    {
        for (var i = 0; i < factors.Length; i++)
            if (factors.Where((_, other) => other != i).Any(HasGradient))
                _kept.Add(Identity(factors[i]));
    }

    private void Add(IEnumerable<TracedTensor> tensors) => _kept.UnionWith(tensors.Select(Identity));

    private long Identity(TracedTensor tensor) => _identities.GetValueOrDefault(tensor.Storage, tensor.Storage);

    private bool HasGradient(TracedTensor tensor) => _hasGradient.GetValueOrDefault(Identity(tensor));
}
