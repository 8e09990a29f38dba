using Tessera.Framework.Data;

namespace Tessera.Datasets.Corruptions;

/// <summary>An image as numbers from 0 to 1.</summary>
/// <param name="Values">[Height * Width * Channels], interleaved.</param>
internal sealed record Raster(int Height, int Width, int Channels, double[] Values)
{
    public Raster(int height, int width, int channels)
        : this(height, width, channels, new double[height * width * channels]) { }

    public static Raster Of(Image image)
    {
        var values = new double[image.Height * image.Width * image.Channels];
        for (var i = 0; i < values.Length; i++)
            values[i] = image.Type == PixelType.UInt8 ? image.Bytes[i] / 255.0 : image.Pixels<ushort>()[i] / (double)ushort.MaxValue;
        return new Raster(image.Height, image.Width, image.Channels, values);
    }

    /// <summary>Values beyond the range are clipped, fractions of a grey level cut off, as the benchmark does.</summary>
    public Image ToImage(PixelType type)
    {
        var image = new Image(Height, Width, Channels, type);
        for (var i = 0; i < Values.Length; i++)
        {
            var value = Math.Clamp(Values[i], 0, 1);
            if (type == PixelType.UInt8)
                image.Bytes[i] = (byte)(value * 255);
            else
                image.Pixels<ushort>()[i] = (ushort)(value * ushort.MaxValue);
        }
        return image;
    }

    /// <summary>Each value by itself.</summary>
    public Raster Map(Func<double, double> of) => this with { Values = Array.ConvertAll(Values, value => of(value)) };

    /// <summary>One channel.</summary>
    public double[] Plane(int channel)
    {
        var plane = new double[Height * Width];
        for (var i = 0; i < plane.Length; i++)
            plane[i] = Values[(i * Channels) + channel];
        return plane;
    }

    /// <summary>Each channel by itself.</summary>
    public Raster MapPlanes(Func<double[], double[]> of)
    {
        var result = new double[Values.Length];
        for (var c = 0; c < Channels; c++)
        {
            var plane = of(Plane(c));
            for (var i = 0; i < plane.Length; i++)
                result[(i * Channels) + c] = plane[i];
        }
        return this with { Values = result };
    }

    /// <summary>Fills a plane row by row.</summary>
    public static double[] Filled(int count, Func<double> next)
    {
        var values = new double[count];
        for (var i = 0; i < count; i++)
            values[i] = next();
        return values;
    }
}
