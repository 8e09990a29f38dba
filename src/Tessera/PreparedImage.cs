using Tessera.Framework.Data;

namespace Tessera;

/// <summary>An image that the pipeline is done with, to be laid into a batch; as often as need be.</summary>
internal sealed record PreparedImage(string Name, SampleImage Image, Geometry? Geometry)
{
    /// <summary>A batch is of images of one size.</summary>
    public (int Height, int Width) Size => Image.Size;

    public Sample ToSample(long index) =>
        new()
        {
            Index = index,
            Name = Name,
            Image = Image,
            Geometry = Geometry,
        };
}
