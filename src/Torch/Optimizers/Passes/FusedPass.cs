using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Tessera.Torch.Optimizers.Passes;

/// <summary>The arithmetic for a vector of neighbouring elements.</summary>
internal unsafe interface IFusedKernel
{
    /// <summary>Updates <c>Vector&lt;float&gt;.Count</c> elements of the target and of the states; those that the kernel doesn't use are
    /// null.</summary>
    void Update(float* target, float* source, float* first, float* second, float* third);
}

/// <summary>Where the elements of one item of a pass lie, in all its tensors in the same order; of the states, those that aren't used are
/// null.</summary>
/// <param name="owner">The tensor whose memory the target is.</param>
internal readonly unsafe struct FlatTensors(
    Tensor owner,
    float* target,
    float* source,
    float* first,
    float* second,
    float* third,
    long count
)
{
    public readonly Tensor Owner = owner;
    public readonly float* Target = target,
        Source = source,
        First = first,
        Second = second,
        Third = third;
    public readonly long Count = count;
}

/// <summary>A pass whatever its arithmetic.</summary>
internal abstract class FusedPass : ChunkPass
{
    /// <summary>Updates everything that was added, and forgets it.</summary>
    public abstract void RunAndClear();
}

/// <summary>
/// Updates many tensors in one pass over memory. Made of libtorch's operators, an optimizer reads and writes the model five to ten times in
/// a step; memory
/// is what limits it, not arithmetic.
/// </summary>
/// <remarks>
/// An element's new value depends on its old ones alone, and every element goes through the same instructions, each rounded by itself (no
/// fused
/// multiply-adds): the result is the same bit for bit however the chunks fall and however long the processor's vectors are.
/// </remarks>
internal sealed unsafe class FusedPass<TKernel> : FusedPass
    where TKernel : struct, IFusedKernel
{
    private const int Tensors = 5;

    private readonly List<(TKernel Kernel, FlatTensors Tensors)> _items = [];

    /// <summary>Takes tensors on for the next run, if they are flat and laid out alike.</summary>
    /// <param name="target">Updated.</param>
    /// <param name="source">Read.</param>
    /// <returns>Whether the next run will update them.</returns>
    public bool Add(in TKernel kernel, Tensor target, Tensor source)
    {
        if (!FlatFloats.IsFlat(target) || !FlatFloats.IsLike(source, target))
            return false;
        Add(kernel, new FlatTensors(target, FlatFloats.Memory(target), FlatFloats.Memory(source), null, null, null, target.numel()));
        return true;
    }

    /// <summary>Takes tensors on for the next run.</summary>
    public void Add(in TKernel kernel, in FlatTensors tensors)
    {
        _items.Add((kernel, tensors));
        AddSpan(tensors.Count);
    }

    public override void RunAndClear()
    {
        Run();
        foreach (ref readonly var item in CollectionsMarshal.AsSpan(_items))
            FlatFloats.NoteChange(item.Tensors.Owner);
        Clear();
    }

    public override void Clear()
    {
        base.Clear();
        _items.Clear();
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)] // fast from the first step on, without waiting for the background compiler
    protected override void Visit(int chunk, int tensor, long from, long to)
    {
        var (kernel, memory) = _items[tensor];
        var (width, i) = (Vector<float>.Count, from);
        float* target = memory.Target,
            source = memory.Source,
            first = memory.First,
            second = memory.Second,
            third = memory.Third;
        for (; i <= to - width; i += width)
            kernel.Update(target + i, source + i, first + i, second + i, third + i);
        if (i < to)
            UpdateRest(kernel, memory, i, (int)(to - i));
    }

    /// <summary>The few elements that don't fill a vector go through the same instructions, so that an element's place makes no
    /// difference.</summary>
    private static void UpdateRest(TKernel kernel, in FlatTensors memory, long at, int count)
    {
        var width = Vector<float>.Count;
        var padded = stackalloc float[Tensors * width];
        new Span<float>(padded, Tensors * width).Clear();
        var tensors = stackalloc float*[Tensors] { memory.Target, memory.Source, memory.First, memory.Second, memory.Third };
        for (var t = 0; t < Tensors; t++)
            if (tensors[t] != null)
                new ReadOnlySpan<float>(tensors[t] + at, count).CopyTo(new Span<float>(padded + t * width, count));
        kernel.Update(padded, padded + width, padded + 2 * width, padded + 3 * width, padded + 4 * width);
        for (var t = 0; t < Tensors; t++)
            if (tensors[t] != null && t != 1)
                new ReadOnlySpan<float>(padded + t * width, count).CopyTo(new Span<float>(tensors[t] + at, count));
    }
}
