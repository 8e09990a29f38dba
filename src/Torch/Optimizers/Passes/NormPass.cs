using System.Numerics;
using System.Runtime.CompilerServices;
using static TorchSharp.torch;

namespace Tessera.Torch.Optimizers.Passes;

/// <summary>The sum of the squares of many tensors' elements, taken in float64: large gradients don't overflow.</summary>
internal sealed unsafe class NormPass : ChunkPass
{
    private readonly List<nint> _memory = [];
    private double[] _sums = [];

    /// <summary>Takes a tensor on, if it is flat.</summary>
    public bool Add(Tensor tensor)
    {
        if (!FlatFloats.IsFlat(tensor))
            return false;
        _memory.Add((nint)FlatFloats.Memory(tensor));
        AddSpan(tensor.numel());
        return true;
    }

    /// <summary>The sum over everything that was added, which is then forgotten.</summary>
    public double RunAndClear()
    {
        if (_sums.Length < Chunks)
            _sums = new double[Chunks];
        Array.Clear(_sums);
        Run();
        double sum = 0;
        foreach (var part in _sums)
            sum += part; // in order, whichever thread was first
        Clear();
        return sum;
    }

    public override void Clear()
    {
        base.Clear();
        _memory.Clear();
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    protected override void Visit(int chunk, int tensor, long from, long to)
    {
        var memory = (float*)_memory[tensor];
        var (low, high) = (Vector<double>.Zero, Vector<double>.Zero);
        var i = from;
        for (; i <= to - Vector<float>.Count; i += Vector<float>.Count)
        {
            Vector.Widen(Vector.Load(memory + i), out var a, out var b);
            low += a * a;
            high += b * b;
        }
        var sum = Vector.Sum(low + high);
        for (; i < to; i++)
            sum += (double)memory[i] * memory[i];
        _sums[chunk] += sum;
    }
}
