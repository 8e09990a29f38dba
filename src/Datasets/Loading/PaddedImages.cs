using Tessera.Framework.Data;

namespace Tessera.Datasets.Loading;

/// <summary>
/// Images of several sizes in one tensor: each in the upper left corner, zeros (the mean, once normalised) to the right and
/// below, up to the largest height and width, rounded up. Laid out when the last of them has been read.
/// </summary>
internal sealed class PaddedImages(int capacity, int divisor)
{
    private readonly PreparedSample?[] _waiting = new PreparedSample?[capacity];

    public void Add(int slot, PreparedSample sample) => _waiting[slot] = sample;

    /// <summary>Writes all images into the places of a stack.</summary>
    public void LayOut(MapStack images)
    {
        var present = _waiting.OfType<PreparedSample>().ToArray();
        if (present.Length == 0)
            return;
        var (height, width) = (Up(present.Max(entry => entry.Pixels.Height)), Up(present.Max(entry => entry.Pixels.Width)));
        for (var slot = 0; slot < capacity; slot++)
        {
            if (_waiting[slot] is not { } entry)
                continue;
            var planes = images.Reserve<float>(slot, entry.Sample, entry.Pixels.Channels, height, width);
            if (planes.IsEmpty)
                continue; // other channels than the first: the stack says so when it is taken
            entry.WritePlanes(planes, height, width);
            _waiting[slot] = null;
        }
    }

    private int Up(int side) => (side + divisor - 1) / divisor * divisor;
}
