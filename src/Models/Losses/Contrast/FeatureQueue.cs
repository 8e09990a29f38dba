using Tessera.Torch;
using Tessera.Torch.Layers;
using static TorchSharp.torch;

namespace Tessera.Models.Losses.Contrast;

/// <summary>For every class the last so many features, of unit length; the oldest give way.</summary>
/// <remarks>All of it is in buffers, so that checkpoints hold it and a resumed run goes on exactly.</remarks>
internal sealed class FeatureQueue : nn.Module
{
    private readonly int _classes,
        _size,
        _dim;
    private readonly int[] _next,
        _filled; // what the state buffer says, as of the last Refresh or Enqueue

    public FeatureQueue(int classes, int size, int dim)
        : base(nameof(FeatureQueue))
    {
        (_classes, _size, _dim) = (classes, size, dim);
        (_next, _filled) = (new int[classes], new int[classes]);
        register_buffer("rows", zeros(classes, size, dim));
        register_buffer("stamps", zeros([classes, size], ScalarType.Int64)); // the iteration that wrote each row
        register_buffer("state", zeros([2, classes], ScalarType.Int64)); // where each class writes next, and how many rows it has
        Kept.Keep(this); // the first batch may make the queue, inside the scope of its step
    }

    /// <summary>[classes, size, dim].</summary>
    public Tensor Rows => get_buffer("rows")!;

    /// <summary>[classes, size], the iteration that wrote each row.</summary>
    public Tensor Stamps => get_buffer("stamps")!;

    /// <summary>[2, classes]: where each class writes next; its rows written.</summary>
    public Tensor State => get_buffer("state")!;

    /// <summary>Rows written, by class.</summary>
    public IReadOnlyList<int> Filled => _filled;

    /// <summary>Takes up the state, which the caller has read together with other things.</summary>
    public void Refresh(ReadOnlySpan<long> state)
    {
        for (var c = 0; c < _classes; c++)
        {
            // Whatever a file said, rows outside of the buffer can't be meant.
            _next[c] = (int)Math.Clamp(state[c], 0, _size - 1);
            _filled[c] = (int)Math.Clamp(state[_classes + c], 0, _size);
        }
    }

    /// <summary>Puts features into their classes' queues, in order. After <see cref="Refresh"/>.</summary>
    /// <param name="features">[n, dim], any length, without gradient.</param>
    /// <param name="classes">Of each.</param>
    public void Enqueue(Tensor features, IReadOnlyList<int> classes, long iteration)
    {
        if (classes.Count == 0)
            return;
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        var writer = new Dictionary<long, long>(); // slot to feature: where a class has more than there is room for, its last ones stay
        for (var i = 0; i < classes.Count; i++)
        {
            var c = classes[i];
            writer[(long)c * _size + _next[c]] = i;
            _next[c] = (_next[c] + 1) % _size;
            _filled[c] = Math.Min(_filled[c] + 1, _size);
        }
        var device = Rows.device;
        var slots = tensor(writer.Keys.ToArray()).to(device);
        var chosen = features.index_select(0, tensor(writer.Values.ToArray()).to(device)).to(ScalarType.Float32);
        Rows.view(-1, _dim).index_copy_(0, slots, nn.functional.normalize(chosen));
        Stamps.view(-1).index_fill_(0, slots, iteration);
        State.copy_(tensor([.. _next.Concat(_filled).Select(value => (long)value)]).view(2, _classes));
    }
}
