using Tessera.Framework.Errors;
using Tessera.Onnx.Lowering;
using Tessera.Onnx.Recording;

namespace Tessera.Onnx.Operators;

/// <summary>How each of libtorch's operators is written in ONNX.</summary>
internal static class AtenOperators
{
    private static readonly Dictionary<string, Action<OperatorContext>> s_table = Table();

    /// <summary>The operators that can be written.</summary>
    public static IReadOnlyCollection<string> Names => s_table.Keys;

    /// <exception cref="UserErrorException">The operator is unknown, or is used in a way that ONNX has no form for.</exception>
    public static void Write(OperatorContext context)
    {
        if (!s_table.TryGetValue(context.Name, out var write) && !InPlace(context.Name, out write))
            throw ExportErrors.NoOperator(context.Place);
        write(context);
    }

    // What works in place gives the same numbers.
    private static bool InPlace(string name, out Action<OperatorContext> write)
    {
        write = null!;
        return name.EndsWith('_') && s_table.TryGetValue(name[..^1], out write!);
    }

    private static Dictionary<string, Action<OperatorContext>> Table()
    {
        var table = new Dictionary<string, Action<OperatorContext>>(StringComparer.Ordinal);
        foreach (
            var group in (Action<Action<string, Action<OperatorContext>>>[])
                [
                    Elementwise.Register,
                    Comparisons.Register,
                    Activations.Register,
                    Products.Register,
                    Convolutions.Register,
                    Pooling.Register,
                    Normalizations.Register,
                    Reshaping.Register,
                    Parts.Register,
                    Indexing.Register,
                    Reductions.Register,
                    Sampling.Register,
                    Creation.Register,
                ]
        )
            group((name, write) => table.Add(name.Contains("::", StringComparison.Ordinal) ? name : $"aten::{name}", write));
        table.Add(
            ProgramBuilder.Reshape,
            context => context.Set(context.Reshaped(context.In(context.Inputs[0]), context.Inputs[0], context.Output()))
        );
        table.Add(ProgramBuilder.Overlay, Parts.Overlay);
        return table;
    }
}
