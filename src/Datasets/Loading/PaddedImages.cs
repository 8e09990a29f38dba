using Tessera.Framework.Data;

namespace Tessera.Datasets.Loading;

/// <summary>
/// Images of several sizes in one tensor: each in the upper left corner, zeros (the mean, once normalised) to the right and
/// below, up to the largest height and width, rounded up. Laid out when the last of them has been read.
/// </summary>
internal sealed class PaddedImages(int capacity, int divisor)
{
    private readonly (Sample Sample, Image Pixels, Normalization Normalization)?[] _waiting = new (Sample, Image, Normalization)?[capacity];

    public void Add(int slot, Sample sample, Image pixels, Normalization normalization) => _waiting[slot] = (sample, pixels, normalization);

    /// <summary>Writes all images into the places of a stack.</summary>
    public void LayOut(MapStack images)
    {
        var present = _waiting.OfType<(Sample Sample, Image Pixels, Normalization Normalization)>().ToArray();
        if (present.Length == 0)
            return;
        var (height, width) = (Up(present.Max(entry => entry.Pixels.Height)), Up(present.Max(entry => entry.Pixels.Width)));
        for (var slot = 0; slot < capacity; slot++)
        {
            if (_waiting[slot] is not var (sample, pixels, normalization))
                continue;
            var planes = images.Reserve<float>(slot, sample, pixels.Channels, height, width);
            if (planes.IsEmpty)
                continue; // other channels than the first: the stack says so when it is taken
            Write(pixels, normalization, planes, height, width);
            _waiting[slot] = null;
        }
    }

    private static void Write(Image pixels, Normalization normalization, Span<float> planes, int height, int width)
    {
        if (pixels.Height == height && pixels.Width == width)
        {
            normalization.WritePlanes(pixels, planes);
            return;
        }
        var small = pixels.Height * pixels.Width;
        var values = System.Buffers.ArrayPool<float>.Shared.Rent(small * pixels.Channels);
        normalization.WritePlanes(pixels, values.AsSpan(0, small * pixels.Channels));
        planes.Clear();
        for (var channel = 0; channel < pixels.Channels; channel++)
        for (var row = 0; row < pixels.Height; row++)
            values.AsSpan(channel * small + row * pixels.Width, pixels.Width).CopyTo(planes[((channel * height + row) * width)..]);
        System.Buffers.ArrayPool<float>.Shared.Return(values);
    }

    private int Up(int side) => (side + divisor - 1) / divisor * divisor;
}
