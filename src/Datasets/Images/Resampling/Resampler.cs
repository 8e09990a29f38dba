using System.Buffers;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Images.Resampling;

/// <summary>A rectangle inside an image, in pixels; fractions are allowed.</summary>
public readonly record struct SourceBox(double Left, double Top, double Right, double Bottom)
{
    public static SourceBox Whole(Image image) => new(0, 0, image.Width, image.Height);
}

/// <summary>Resizes images of any channel count and type.</summary>
/// <remarks>8-bit results agree with Pillow's within 1 grey level; see docs/design/images.md.</remarks>
public static class Resampler
{
    public static Image Resize(
        Image image,
        int height,
        int width,
        Interpolation interpolation = Interpolation.Bilinear,
        bool antialias = true
    ) => Resize(image, SourceBox.Whole(image), height, width, interpolation, antialias);

    /// <summary>Resizes a part of an image, without copying the part first. Pixels around the box take part in the filter.</summary>
    public static Image Resize(
        Image image,
        SourceBox box,
        int height,
        int width,
        Interpolation interpolation = Interpolation.Bilinear,
        bool antialias = true
    )
    {
        if (
            box.Left < 0
            || box.Top < 0
            || box.Right > image.Width
            || box.Bottom > image.Height
            || box.Left >= box.Right
            || box.Top >= box.Bottom
        )
            throw new ArgumentOutOfRangeException(nameof(box), $"{box} is no part of an image of {image.Height} x {image.Width}.");
        if (box == SourceBox.Whole(image) && height == image.Height && width == image.Width)
            return image;
        return Resize(image, 0, 0, image.Height, image.Width, box, height, width, interpolation, antialias);
    }

    /// <summary>Crops and resizes in one step; pixels outside the crop take no part, as if it had been cut out first.</summary>
    public static Image CropAndResize(
        Image image,
        int top,
        int left,
        int cropHeight,
        int cropWidth,
        int height,
        int width,
        Interpolation interpolation = Interpolation.Bilinear,
        bool antialias = true
    )
    {
        if (top < 0 || left < 0 || cropHeight <= 0 || cropWidth <= 0 || top + cropHeight > image.Height || left + cropWidth > image.Width)
            throw new ArgumentOutOfRangeException(
                nameof(top),
                $"A crop of {cropHeight} x {cropWidth} at ({top}, {left}) leaves the image of {image.Height} x {image.Width}."
            );
        return cropHeight == height && cropWidth == width
            ? PixelLayout.Crop(image, top, left, height, width)
            : Resize(
                image,
                top,
                left,
                cropHeight,
                cropWidth,
                new SourceBox(0, 0, cropWidth, cropHeight),
                height,
                width,
                interpolation,
                antialias
            );
    }

    private static Image Resize(
        Image image,
        int top,
        int left,
        int viewHeight,
        int viewWidth,
        SourceBox box,
        int height,
        int width,
        Interpolation interpolation,
        bool antialias
    )
    {
        var horizontal = ResampleKernel.Create(viewWidth, box.Left, box.Right, width, interpolation, antialias);
        var vertical = ResampleKernel.Create(viewHeight, box.Top, box.Bottom, height, interpolation, antialias);
        return Apply(image, top, left, horizontal, vertical, interpolation, Simd.Best);
    }

    /// <summary>Makes each pixel of what the kernels say, counted from (top, left). Nearest picks.</summary>
    internal static unsafe Image Apply(
        Image image,
        int top,
        int left,
        ResampleKernel horizontal,
        ResampleKernel vertical,
        Interpolation interpolation,
        SimdLevel level
    )
    {
        var result = PixelLayout.Like(image, vertical.Length, horizontal.Length);
        var (offset, stride) = (((long)top * image.Width + left) * image.Channels, image.Width * image.Channels);
        if (interpolation == Interpolation.Nearest)
        {
            PickNearest(image, top, left, horizontal, vertical, result);
        }
        else if (image.Type == PixelType.UInt8)
        {
            fixed (
                byte* source = image.Bytes,
                    target = result.Bytes
            )
                ByteResampler.Resize(
                    source + offset,
                    image.Bytes.LongLength - offset,
                    stride,
                    image.Channels,
                    horizontal,
                    vertical,
                    target,
                    level
                );
        }
        else if (image.Type == PixelType.Float32)
        {
            FloatResampler.Resize(
                image.Pixels<float>()[(int)offset..],
                stride,
                image.Channels,
                horizontal,
                vertical,
                result.Pixels<float>()
            );
        }
        else
        {
            ResizeWords(image.Pixels<ushort>()[(int)offset..], stride, image.Channels, horizontal, vertical, result.Pixels<ushort>());
        }
        return result;
    }

    private static void ResizeWords(
        ReadOnlySpan<ushort> source,
        int stride,
        int channels,
        ResampleKernel horizontal,
        ResampleKernel vertical,
        Span<ushort> target
    )
    {
        var values = ArrayPool<float>.Shared.Rent(source.Length);
        var resized = ArrayPool<float>.Shared.Rent(target.Length);
        try
        {
            for (var i = 0; i < source.Length; i++)
                values[i] = source[i];
            FloatResampler.Resize(
                values.AsSpan(0, source.Length),
                stride,
                channels,
                horizontal,
                vertical,
                resized.AsSpan(0, target.Length)
            );
            for (var i = 0; i < target.Length; i++)
                target[i] = (ushort)Math.Clamp(resized[i] + 0.5f, 0, ushort.MaxValue);
        }
        finally
        {
            ArrayPool<float>.Shared.Return(values);
            ArrayPool<float>.Shared.Return(resized);
        }
    }

    private static void PickNearest(Image image, int top, int left, ResampleKernel horizontal, ResampleKernel vertical, Image result)
    {
        var size = image.PixelSize();
        var rowBytes = horizontal.Length * size;
        for (var y = 0; y < vertical.Length; y++)
        {
            var target = result.Bytes.AsSpan(y * rowBytes, rowBytes);
            if (y > 0 && vertical.Starts[y] == vertical.Starts[y - 1])
                result.Bytes.AsSpan((y - 1) * rowBytes, rowBytes).CopyTo(target);
            else
                PickRow(image.Bytes.AsSpan(((top + vertical.Starts[y]) * image.Width + left) * size), horizontal.Starts, size, target);
        }
    }

    private static void PickRow(ReadOnlySpan<byte> row, int[] starts, int size, Span<byte> target)
    {
        if (size == 1)
        {
            for (var x = 0; x < starts.Length && x < target.Length; x++)
                target[x] = row[starts[x]];
            return;
        }
        foreach (var start in starts)
        {
            row.Slice(start * size, size).CopyTo(target);
            target = target[size..];
        }
    }
}
