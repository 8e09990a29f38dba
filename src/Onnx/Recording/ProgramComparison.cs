using Tessera.Framework.Errors;
using Tessera.Torch;

namespace Tessera.Onnx.Recording;

/// <summary>Whether recorded programs are the same but for lengths.</summary>
internal static class ProgramComparison
{
    /// <param name="programs">The first ones of images of one size, then those of other sizes.</param>
    /// <param name="alike">How many are of one size.</param>
    /// <exception cref="UserErrorException">They differ.</exception>
    public static void Require(IReadOnlyList<RecordedProgram> programs, int alike)
    {
        for (var i = 1; i < programs.Count; i++)
            if (Difference(programs[0], programs[i], lengthsToo: i < alike) is { } place)
                throw ExportErrors.OtherProgram(place, ofSize: i >= alike);
    }

    private static string? Difference(RecordedProgram first, RecordedProgram other, bool lengthsToo)
    {
        for (var i = 0; i < first.Operators.Count; i++)
        {
            var (a, b) = (first.Operators[i], i < other.Operators.Count ? other.Operators[i] : null);
            if (
                b is null
                || a.Name != b.Name
                || a.Module != b.Module
                || !a.Inputs.SequenceEqual(b.Inputs)
                || !a.Outputs.SequenceEqual(b.Outputs)
                || a.Arguments.Count != b.Arguments.Count
                || a.Arguments.Zip(b.Arguments).Any(pair => !Same(pair.First, pair.Second, lengthsToo))
            )
                return ExportErrors.Of(a, first);
        }
        return
            other.Operators.Count == first.Operators.Count
            && other.Values.Count == first.Values.Count
            && first.Values.Zip(other.Values).All(pair => pair.First.Shape.Count == pair.Second.Shape.Count)
            ? null
            : "the model";
    }

    private static bool Same(TracedValue a, TracedValue b, bool lengthsToo) =>
        (a, b) switch
        {
            (TracedTensor x, TracedTensor y) => x.Type == y.Type && (!lengthsToo || x.Shape.SequenceEqual(y.Shape)),
            (TracedList x, TracedList y) => x.Items.Count == y.Items.Count
                && x.Items.Zip(y.Items).All(pair => Same(pair.First, pair.Second, lengthsToo)),
            (TracedInteger x, TracedInteger y) => !lengthsToo || x.Value == y.Value,
            (TracedDouble x, TracedDouble y) => x.Value.Equals(y.Value),
            _ => Equals(a, b),
        };
}
