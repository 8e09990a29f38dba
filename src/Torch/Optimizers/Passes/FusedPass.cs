using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Tessera.Torch.Optimizers.Passes;

/// <summary>The arithmetic for a vector of neighbouring elements.</summary>
internal unsafe interface IFusedKernel
{
    /// <summary>Updates <c>Vector&lt;float&gt;.Count</c> elements of the target and of the states; of these, those that the kernel doesn't use are null.</summary>
    void Update(float* target, float* source, float* first, float* second, float* third);
}

/// <summary>A pass whatever its arithmetic.</summary>
internal abstract class FusedPass : ChunkPass
{
    /// <summary>Updates everything that was added, and forgets it.</summary>
    public abstract void RunAndClear();
}

/// <summary>
/// Updates many tensors in one pass over memory. Made of libtorch's operators, an optimizer reads and writes the model five to ten times in a step; memory
/// is what limits it, not arithmetic.
/// </summary>
/// <remarks>
/// An element's new value depends on its old ones alone, and every element goes through the same instructions, each rounded by itself (no fused
/// multiply-adds): the result is the same bit for bit however the chunks fall and however long the processor's vectors are.
/// </remarks>
internal sealed unsafe class FusedPass<TKernel> : FusedPass where TKernel : struct, IFusedKernel
{
    private const int Tensors = 5;

    private readonly List<Item> _items = [];

    /// <summary>Takes tensors on for the next run, if they are flat and laid out alike.</summary>
    /// <param name="target">Updated.</param>
    /// <param name="source">Read; for an optimizer the gradient.</param>
    /// <returns>Whether the next run will update them.</returns>
    public bool Add(in TKernel kernel, Tensor target, Tensor source, Tensor? first = null, Tensor? second = null, Tensor? third = null)
    {
        if (!FlatFloats.IsFlat(target) || !Fits(source) || !Fits(first) || !Fits(second) || !Fits(third)) return false;
        _items.Add(new Item(kernel, target, FlatFloats.Memory(target), Of(source), Of(first), Of(second), Of(third)));
        AddSpan(target.numel());
        return true;

        bool Fits(Tensor? tensor) => tensor is null || (FlatFloats.IsFlat(tensor) && FlatFloats.AreAlike(target, tensor));

        static float* Of(Tensor? tensor) => tensor is null ? null : FlatFloats.Memory(tensor);
    }

    public override void RunAndClear()
    {
        Run();
        foreach (ref readonly var item in CollectionsMarshal.AsSpan(_items)) FlatFloats.NoteChange(item.Tensor);
        Clear();
    }

    public override void Clear()
    {
        base.Clear();
        _items.Clear();
    }

    protected override void Visit(int chunk, int tensor, long from, long to)
    {
        ref readonly var item = ref CollectionsMarshal.AsSpan(_items)[tensor];
        var kernel = item.Kernel;
        var (width, i) = (Vector<float>.Count, from);
        float* target = item.Target, source = item.Source, first = item.First, second = item.Second, third = item.Third;
        for (; i <= to - width; i += width) kernel.Update(target + i, source + i, first + i, second + i, third + i);
        if (i < to) UpdateRest(kernel, item, i, (int)(to - i));
    }

    /// <summary>The few elements that don't fill a vector go through the same instructions, so that an element's place makes no difference.</summary>
    private static void UpdateRest(TKernel kernel, in Item item, long at, int count)
    {
        var width = Vector<float>.Count;
        var padded = stackalloc float[Tensors * width];
        new Span<float>(padded, Tensors * width).Clear();
        var tensors = stackalloc float*[Tensors] { item.Target, item.Source, item.First, item.Second, item.Third };
        for (var t = 0; t < Tensors; t++)
            if (tensors[t] != null) new ReadOnlySpan<float>(tensors[t] + at, count).CopyTo(new Span<float>(padded + t * width, count));
        kernel.Update(padded, padded + width, padded + 2 * width, padded + 3 * width, padded + 4 * width);
        for (var t = 0; t < Tensors; t++)
            if (tensors[t] != null && t != 1) new ReadOnlySpan<float>(padded + t * width, count).CopyTo(new Span<float>(tensors[t] + at, count));
    }

    private readonly struct Item(in TKernel kernel, Tensor tensor, float* target, float* source, float* first, float* second, float* third)
    {
        public readonly TKernel Kernel = kernel;
        public readonly Tensor Tensor = tensor;
        public readonly float* Target = target, Source = source, First = first, Second = second, Third = third;
    }
}
