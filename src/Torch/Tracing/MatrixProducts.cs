namespace Tessera.Torch;

/// <summary>Multiply-adds of the operators that libtorch's matrix products and convolutions come down to.</summary>
internal static class MatrixProducts
{
    private const string Library = "aten::";

    /// <summary>0: this operator multiplies no matrices itself, though those that it calls may.</summary>
    public static long Of(TracedOperator node)
    {
        if (!node.Name.StartsWith(Library, StringComparison.Ordinal))
            return 0;
        var name = node.Name[Library.Length..].TrimEnd('_'); // in place, too
        return name switch
        {
            "convolution" => Convolution(node),
            "mm" or "bmm" or "mv" or "dot" or "vdot" or "_int_mm" => Product(Input(node, 0), Input(node, 1)),
            "addmm" or "_addmm_activation" or "baddbmm" or "addbmm" or "addmv" => Product(Input(node, 1), Input(node, 2)),
            "mkldnn_rnn_layer" => Recurrent(node),
            "_scaled_dot_product_attention_math" => 0, // calls products of its own
            _ when name.StartsWith("_scaled_dot_product", StringComparison.Ordinal)
                    && !name.EndsWith("_backward", StringComparison.Ordinal) => Attention(node),
            _ => 0,
        };
    }

    /// <summary>How many values a product gave. Results behind the first serve the backward pass alone.</summary>
    public static long Result(TracedOperator node) => node.Outputs is [TracedTensor first, ..] ? first.Elements : 0;

    // Every value of the output is a sum over the weights of one output channel; transposed, every value of the input goes through those of
    // one input channel.
    private static long Convolution(TracedOperator node)
    {
        if (
            node.Inputs
            is not [TracedTensor input, TracedTensor { Shape: [> 0 and var channels, ..] } weight, _, _, _, _, TracedBool transposed, ..]
        )
            return 0;
        return weight.Elements / channels * (transposed.Value ? input.Elements : Result(node));
    }

    // [..., n, k] and [..., k, m]: each value of the first meets m.
    private static long Product(TracedTensor? a, TracedTensor? b) =>
        a is null || b is null ? 0 : a.Elements * (b.Shape.Count >= 2 ? b.Shape[^1] : 1);

    // Query [..., L, E], key [..., S, E], value [..., S, V]: L S E for the weights and L S V for the sums.
    private static long Attention(TracedOperator node) =>
        node.Inputs
            is [
                TracedTensor { Shape: [.., > 0 and var width] } query,
                TracedTensor { Shape: [.., var keys, _] },
                TracedTensor { Shape: [.., var values] },
                ..,
            ]
            ? query.Elements / width * keys * (width + values)
            : 0;

    // Input [steps, B, I]; all gates' weights [gates H, I] and [gates H, H] in every step. One layer, one direction.
    private static long Recurrent(TracedOperator node) =>
        node.Inputs is [TracedTensor { Shape: [var steps, var batch, _] }, TracedTensor input, TracedTensor hidden, ..]
            ? steps * batch * (input.Elements + hidden.Elements)
            : 0;

    private static TracedTensor? Input(TracedOperator node, int index) =>
        index < node.Inputs.Count ? node.Inputs[index] as TracedTensor : null;
}
