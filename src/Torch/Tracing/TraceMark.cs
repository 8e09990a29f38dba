using static TorchSharp.torch;

namespace Tessera.Torch;

/// <summary>
/// Marks in a trace are calls of an operator that costs nothing: an empty tensor whose shape tells what it marks. The tensors between two
/// marks
/// are then known by the order of operators alone.
/// </summary>
internal static class TraceMark
{
    // No program makes an empty tensor of this size by chance; small enough that the product of a mark's sizes fits into 64 bits.
    private const long Signature = 0x7E55E4A;

    // A node longer than a file's buffer is written at once, together with all before it.
    private const int FillerSizes = 400;

    public enum Kind
    {
        Begin = 1,
        End,
        Program,
    }

    /// <param name="number">At least 0.</param>
    /// <param name="filled">The node is as long as a file's buffer.</param>
    public static void Put(Kind kind, int number, bool filled = false)
    {
        long[] shape = [0, Signature, (long)kind, number, .. Enumerable.Repeat(1L, filled ? FillerSizes : 0)];
        using var mark = empty(shape, ScalarType.Byte, CPU);
    }

    /// <summary>What a node marks; null: nothing.</summary>
    public static (Kind, int)? Of(TracedOperator node) =>
        node.Name == "aten::empty" && node.Inputs is [TracedList { Integers: [0, Signature, var kind, var number, ..] }, ..]
            ? ((Kind)kind, (int)number)
            : null;
}
