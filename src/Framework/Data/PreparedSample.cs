using System.Buffers;

namespace Tessera.Framework.Data;

/// <summary>A sample at the end of its pipeline: pixels, and the normalization that makes the values of a model's input of them. No tensor
/// has a part in it: whoever makes the batch chooses what holds the values.</summary>
/// <param name="Sample">Its image may be let go, once the values are written.</param>
/// <param name="Pixels">As the last step left them, [H, W, C].</param>
/// <param name="Normalization">Still to be applied.</param>
public sealed record PreparedSample(Sample Sample, Image Pixels, Normalization Normalization)
{
    /// <summary>Sends a sample through a pipeline.</summary>
    /// <param name="random">The only source of randomness; a pipeline for evaluation takes nothing of it.</param>
    /// <exception cref="UserErrorException">A file can't be used, or no step loads the image.</exception>
    public static PreparedSample Of(Sample sample, IReadOnlyList<Transform> pipeline, RandomSource random)
    {
        for (var i = 0; i < pipeline.Count; i++)
            sample = pipeline[i].Apply(sample, random);
        if (sample.Image is not { } image)
            throw new UserErrorException("the pipeline gives no image. Does it lack a LoadImage step?");
        var (pixels, pending) = image.Take();
        return new PreparedSample(sample, pixels, pending);
    }

    /// <summary>The input's values, [C, H, W].</summary>
    public float[] Planes()
    {
        var planes = new float[Pixels.Channels * Pixels.Height * Pixels.Width];
        Normalization.WritePlanes(Pixels, planes);
        return planes;
    }

    /// <summary>Writes the input's values into the upper left corner of larger planes, with zeros (the mean, once normalized) to the right
    /// and below.</summary>
    /// <param name="target">[C, <paramref name="height"/>, <paramref name="width"/>].</param>
    /// <param name="height">At least the image's.</param>
    /// <param name="width">At least the image's.</param>
    public void WritePlanes(Span<float> target, int height, int width)
    {
        if (Pixels.Height == height && Pixels.Width == width)
        {
            Normalization.WritePlanes(Pixels, target);
            return;
        }
        var small = Pixels.Height * Pixels.Width;
        var values = ArrayPool<float>.Shared.Rent(small * Pixels.Channels);
        Normalization.WritePlanes(Pixels, values.AsSpan(0, small * Pixels.Channels));
        target.Clear();
        for (var channel = 0; channel < Pixels.Channels; channel++)
        for (var row = 0; row < Pixels.Height; row++)
            values.AsSpan(channel * small + row * Pixels.Width, Pixels.Width).CopyTo(target[((channel * height + row) * width)..]);
        ArrayPool<float>.Shared.Return(values);
    }
}
