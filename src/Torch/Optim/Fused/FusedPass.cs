using System.Numerics;
using System.Runtime.InteropServices;
using Tessera.Torch.Interop;
using static TorchSharp.torch;

namespace TorchSharp.Modules;

/// <summary>One optimizer's arithmetic for a vector of neighbouring elements.</summary>
internal unsafe interface IFusedKernel
{
    /// <summary>Updates <c>Vector&lt;float&gt;.Count</c> elements; of the states, those that the kernel doesn't use are null.</summary>
    void Update(float* parameter, float* gradient, float* first, float* second, float* third);
}

/// <summary>
/// Updates many parameters in one pass over memory. libtorch's operators over lists are on the CPU loops over tensors, and an
/// optimizer made of them reads and writes the model five to ten times a step; memory is what limits it, not arithmetic.
/// </summary>
/// <remarks>
/// The work is shared out in blocks to the threads of libtorch's own pool: another pool beside it would fight it for the cores.
/// An element's new value depends on nothing but its old one, and every element goes through the same vector instructions, so the
/// result is the same bit for bit however the blocks fall.
/// </remarks>
internal abstract unsafe class FusedPass
{
    /// <summary>Elements that a thread takes at a time.</summary>
    private protected const long Block = 1 << 16;

    /// <summary>Tests compare with the operators over lists by turning this off.</summary>
    internal static bool Enabled { get; set; } = true;

    /// <summary>Parameters that the last pass updated.</summary>
    internal int Updated { get; private protected set; }

    /// <summary>Updates everything that was added, and forgets it.</summary>
    public abstract void Run();

    private protected abstract void Drain();

    private protected void RunOnThreads(int threads)
    {
        if (threads == 1)
        {
            Drain();
            return;
        }
        var self = GCHandle.Alloc(this);
        NativeMethods.tessera_on_threads(&Work, (void*)GCHandle.ToIntPtr(self), threads);
        self.Free();
    }

    [UnmanagedCallersOnly]
    private static void Work(void* self) => ((FusedPass)GCHandle.FromIntPtr((IntPtr)self).Target!).Drain();
}

/// <summary>A pass with one optimizer's kernels, whose coefficients may differ from parameter to parameter.</summary>
internal sealed unsafe class FusedPass<TKernel> : FusedPass where TKernel : struct, IFusedKernel
{
    private const int Tensors = 5;

    private readonly List<Item> _items = [];
    private long _total;
    private long _taken;

    /// <summary>Takes a parameter on, if its tensors are float32 on the CPU and laid out alike without gaps.</summary>
    /// <returns>Whether the next <see cref="Run"/> will update it.</returns>
    public bool Add(in TKernel kernel, Tensor parameter, Tensor gradient, Tensor? first = null, Tensor? second = null, Tensor? third = null)
    {
        if (!Enabled)
            return false;
        var handles = stackalloc IntPtr[Tensors] { gradient.Handle, parameter.Handle, first?.Handle ?? 0, second?.Handle ?? 0, third?.Handle ?? 0 };
        var memory = stackalloc float*[Tensors];
        var count = NativeMethods.tessera_flat_floats(handles, Tensors, 1, memory);
        if (count < 0)
            return false;
        _items.Add(new Item { Kernel = kernel, Start = _total, Count = count, Gradient = memory[0], Parameter = memory[1], First = memory[2], Second = memory[3], Third = memory[4] });
        _total += count;
        return true;
    }

    public override void Run()
    {
        Updated = _items.Count;
        if (_items.Count == 0)
            return;
        _taken = 0;
        RunOnThreads(_total > Block ? get_num_threads() : 1); // all or one: OpenMP ends threads that a smaller team leaves out
        _items.Clear();
        _total = 0;
    }

    private protected override void Drain()
    {
        var items = CollectionsMarshal.AsSpan(_items);
        for (long start; (start = Interlocked.Add(ref _taken, Block) - Block) < _total;)
        {
            var end = Math.Min(start + Block, _total);
            for (var i = ItemAt(items, start); i < items.Length && items[i].Start < end; i++)
            {
                var from = Math.Max(start, items[i].Start) - items[i].Start;
                var to = Math.Min(end - items[i].Start, items[i].Count);
                Update(items[i], from, to);
            }
        }
    }

    /// <summary>The last item that starts at or before an element.</summary>
    private static int ItemAt(ReadOnlySpan<Item> items, long element)
    {
        var (low, high) = (0, items.Length - 1);
        while (low < high)
        {
            var middle = (low + high + 1) / 2;
            (low, high) = items[middle].Start <= element ? (middle, high) : (low, middle - 1);
        }
        return low;
    }

    private static void Update(in Item item, long from, long to)
    {
        var kernel = item.Kernel;
        var (width, i) = (Vector<float>.Count, from);
        float* parameter = item.Parameter, gradient = item.Gradient, first = item.First, second = item.Second, third = item.Third;
        for (; i <= to - width; i += width)
            kernel.Update(parameter + i, gradient + i, first + i, second + i, third + i);
        if (i == to)
            return;

        // The few that are left go through the same instructions, so that an element's place makes no difference.
        var rest = (uint)(to - i) * sizeof(float);
        var padded = stackalloc float[Tensors * width];
        new Span<float>(padded, Tensors * width).Clear();
        var tensors = stackalloc float*[Tensors] { parameter, gradient, first, second, third };
        for (var t = 0; t < Tensors; t++)
            if (tensors[t] != null)
                System.Runtime.CompilerServices.Unsafe.CopyBlockUnaligned(padded + t * width, tensors[t] + i, rest);
        kernel.Update(padded, padded + width, padded + 2 * width, padded + 3 * width, padded + 4 * width);
        for (var t = 0; t < Tensors; t++)
            if (tensors[t] != null && tensors[t] != gradient)
                System.Runtime.CompilerServices.Unsafe.CopyBlockUnaligned(tensors[t] + i, padded + t * width, rest);
    }

    private struct Item
    {
        public TKernel Kernel;
        public float* Parameter, Gradient, First, Second, Third;

        /// <summary>Where its first element stands among those of the whole pass.</summary>
        public long Start;

        public long Count;
    }
}
