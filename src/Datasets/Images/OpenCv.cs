using System.Numerics;
using Tessera.Datasets.Images.Native;
using Tessera.Datasets.Images.Resampling;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Images;

/// <summary>Geometry, blur and colour by OpenCV's imgproc, for images of any channel count and type.</summary>
public static unsafe class OpenCv
{
    private const int MostChannels = 4;
    private const int LargestSide = short.MaxValue - 1; // OpenCV's warp keeps coordinates in 16 bits

    /// <summary>OpenCV's resize: no antialiasing but for <see cref="Interpolation.Box"/> (INTER_AREA).</summary>
    public static Image Resize(Image image, int height, int width, Interpolation interpolation)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(height);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        var flag = Flag(interpolation);
        return ByChannels(image, height, width, (source, target) => OpenCvNative.Resize(source, target, flag));
    }

    /// <summary>Moves the image by an affine map.</summary>
    /// <param name="forward">Maps a point of the image to one of the result; pixel corners lie at integers.</param>
    /// <param name="fill">What lies outside the image: one value, or one per channel.</param>
    public static Image Warp(Image image, Matrix3x2 forward, int height, int width, Interpolation interpolation, IReadOnlyList<double> fill)
    {
        if (!Matrix3x2.Invert(forward, out var back))
            throw new ArgumentException($"{forward} can't be inverted.", nameof(forward));
        if (Math.Max(Math.Max(image.Height, image.Width), Math.Max(height, width)) > LargestSide)
            throw new Framework.Errors.UserErrorException($"An image of {image.Height} x {image.Width} is too large to be turned; at most {LargestSide} pixels a side.");
        if (fill.Count != 1 && fill.Count != image.Channels)
            throw new ArgumentException($"{fill.Count} fill values for {image.Channels} channels.", nameof(fill));
        // OpenCV's pixels have their centres at integers, ours their corners.
        var half = new Vector2(0.5f);
        var offset = Vector2.Transform(half, back) - half;
        var map = stackalloc double[6] { back.M11, back.M21, offset.X, back.M12, back.M22, offset.Y };
        var mapMatrix = new OpenCvNative.Matrix(map, 2, 3, 1, OpenCvNative.Depth64F);
        var flags = (interpolation switch { Interpolation.Nearest => 0, Interpolation.Bicubic => 2, Interpolation.Lanczos => 4, _ => 1 }) | OpenCvNative.WarpInverseMap | OpenCvNative.WarpFillOutliers;
        var group = 0;
        return ByChannels(image, height, width, (source, target) =>
        {
            double Fill(int channel) => fill[fill.Count == 1 ? 0 : Math.Min(group + channel, fill.Count - 1)];
            OpenCvNative.WarpAffine(source, target, mapMatrix, flags, new OpenCvNative.Scalar { First = Fill(0), Second = Fill(1), Third = Fill(2), Fourth = Fill(3) });
            group += MostChannels;
        });
    }

    /// <summary>Gaussian blur; the border's pixels are repeated outwards.</summary>
    /// <param name="kernelSize">Odd.</param>
    public static Image GaussianBlur(Image image, int kernelSize, double sigma)
    {
        if (kernelSize <= 0 || kernelSize % 2 == 0)
            throw new ArgumentOutOfRangeException(nameof(kernelSize), kernelSize, "The kernel's size is odd.");
        return ByChannels(image, image.Height, image.Width, (source, target) =>
            OpenCvNative.Smooth(source, target, OpenCvNative.SmoothGaussian, kernelSize, kernelSize, sigma, sigma));
    }

    /// <summary>8-bit RGB to hue, saturation and value, each 0 .. 255.</summary>
    public static Image RgbToHsv(Image image) => ConvertColor(image, OpenCvNative.RgbToHsvFull);

    /// <summary>The way back from <see cref="RgbToHsv"/>.</summary>
    public static Image HsvToRgb(Image image) => ConvertColor(image, OpenCvNative.HsvToRgbFull);

    private static Image ConvertColor(Image image, int code)
    {
        if (image.Channels != 3 || image.Type != PixelType.UInt8)
            throw new ArgumentException($"8-bit images of 3 channels were expected, not {image.Type} of {image.Channels}.", nameof(image));
        return ByChannels(image, image.Height, image.Width, (source, target) => OpenCvNative.ConvertColor(source, target, code));
    }

    private delegate void Operation(OpenCvNative.Matrix source, OpenCvNative.Matrix target);

    /// <summary>Runs an operation over at most four channels at a time.</summary>
    private static Image ByChannels(Image image, int height, int width, Operation operation)
    {
        var result = PixelLayout.Like(image, height, width);
        if (image.Channels <= MostChannels)
        {
            Run(image, result, operation);
            return result;
        }
        for (var first = 0; first < image.Channels; first += MostChannels)
        {
            var count = Math.Min(MostChannels, image.Channels - first);
            var part = new Image(image.Height, image.Width, count, image.Type);
            CopyChannels(image, first, part, 0, count);
            var partResult = PixelLayout.Like(part, height, width);
            Run(part, partResult, operation);
            CopyChannels(partResult, 0, result, first, count);
        }
        return result;
    }

    private static void Run(Image source, Image target, Operation operation)
    {
        fixed (byte* from = source.Bytes, to = target.Bytes)
            operation(Header(source, from), Header(target, to));
    }

    private static OpenCvNative.Matrix Header(Image image, byte* pixels) => new(pixels, image.Height, image.Width, image.Channels, image.Type switch
    {
        PixelType.UInt8 => OpenCvNative.Depth8U,
        PixelType.UInt16 => OpenCvNative.Depth16U,
        _ => OpenCvNative.Depth32F,
    });

    private static void CopyChannels(Image source, int sourceFirst, Image target, int targetFirst, int count)
    {
        var value = PixelLayout.ValueSize(source.Type);
        var (sourceStep, targetStep) = (source.PixelSize(), target.PixelSize());
        for (var i = 0; i < source.Height * source.Width; i++)
            source.Bytes.AsSpan(i * sourceStep + sourceFirst * value, count * value).CopyTo(target.Bytes.AsSpan(i * targetStep + targetFirst * value));
    }

    private static int Flag(Interpolation interpolation) => interpolation switch
    {
        Interpolation.Nearest => 0,
        Interpolation.Bilinear => 1,
        Interpolation.Bicubic => 2,
        Interpolation.Box => 3,
        Interpolation.Lanczos => 4,
        _ => throw new Framework.Errors.UserErrorException($"OpenCV has no {interpolation} filter. It has nearest, bilinear, bicubic, box and lanczos."),
    };
}
