using System.Diagnostics;
using System.Globalization;
using System.Numerics;
using Tessera.Datasets.Images;
using Tessera.Datasets.Images.Color;
using Tessera.Datasets.Images.Filtering;
using Tessera.Datasets.Images.Geometry;
using Tessera.Datasets.Images.Resampling;
using Tessera.Framework.Data;

namespace Tessera.Benchmarks.Images;

/// <summary>Single image operations, for operations.py: the same work as its peer's, on the same pixels.</summary>
internal static class Operations
{
    /// <summary>Does an operation some times for each line read, and writes the seconds of one.</summary>
    /// <param name="arguments">Its name, how often, a file of raw RGB pixels, its height and width.</param>
    public static void Run(string[] arguments)
    {
        int Number(int i) => int.Parse(arguments[i], CultureInfo.InvariantCulture);
        var (count, image) = (Number(1), new Image(Number(3), Number(4), 3, PixelType.UInt8, File.ReadAllBytes(arguments[2])));
        var operation = Operation(arguments[0], image);
        while (Console.ReadLine() is not null)
        {
            var clock = Stopwatch.StartNew();
            for (var i = 0; i < count; i++)
                PixelBuffers.Return(operation().Bytes); // as a pipeline does with what it decoded only to shrink it
            Console.WriteLine((clock.Elapsed.TotalSeconds / count).ToString("R", CultureInfo.InvariantCulture));
        }
    }

    // In place on the way back, as ColorJitter does it.
    private static Image ThereAndBack(Image image)
    {
        var result = Hsv.FromRgb(image);
        Hsv.ToRgb(result.Bytes.AsSpan());
        return result;
    }

    private static Func<Image> Operation(string name, Image image)
    {
        var (height, width) = (image.Height, image.Width);
        var turn = Matrix3x2.CreateRotation((float)(-10 * Math.PI / 180), new Vector2(width / 2f, height / 2f));
        return name switch
        {
            "warp nearest" => () => AffineWarp.Warp(image, turn, height, width, Interpolation.Nearest, [114]),
            "warp bilinear" => () => AffineWarp.Warp(image, turn, height, width, Interpolation.Bilinear, [114]),
            "warp bicubic" => () => AffineWarp.Warp(image, turn, height, width, Interpolation.Bicubic, [114]),
            "warp lanczos" => () => AffineWarp.Warp(image, turn, height, width, Interpolation.Lanczos, [114]),
            "blur 5" => () => GaussianFilter.Blur(image, 5, 1),
            "blur 23" => () => GaussianFilter.Blur(image, 23, 2),
            "blur 23 wide" => () => GaussianFilter.Blur(image, 23, 4),
            "hsv" => () => ThereAndBack(image),
            "resize bilinear" => () => OpenCvResampler.Resize(image, height * 3 / 4, width * 3 / 4, Interpolation.Bilinear),
            "resize bicubic" => () => OpenCvResampler.Resize(image, height * 3 / 2, width * 3 / 2, Interpolation.Bicubic),
            "resize lanczos" => () => OpenCvResampler.Resize(image, height * 3 / 2, width * 3 / 2, Interpolation.Lanczos),
            "resize box" => () => OpenCvResampler.Resize(image, height * 5 / 9, width * 5 / 9, Interpolation.Box),
            "pillow bilinear" => () => Resampler.Resize(image, height * 3 / 4, width * 3 / 4, Interpolation.Bilinear),
            "pillow bicubic" => () => Resampler.Resize(image, height * 3 / 2, width * 3 / 2, Interpolation.Bicubic),
            _ => throw new ArgumentException($"No operation is named {name}."),
        };
    }
}
