using System.Numerics;
using Tessera.Framework.Data;

namespace Tessera;

/// <summary>Images to be predicted, as a data set without truth.</summary>
internal sealed class PredictionInputs(IReadOnlyList<Func<Sample>> samples, DataInfo info) : Dataset
{
    public override int Count => samples.Count;

    public override DataInfo Info => info;

    public override Sample Get(int index) => samples[index]();
}

/// <summary>Images as samples, before any transform.</summary>
public static class PredictionInput
{
    /// <summary>An image's file, unread.</summary>
    public static Sample File(long index, string path) =>
        new()
        {
            Index = index,
            Name = path,
            ReadFile = () => System.IO.File.ReadAllBytes(path),
        };

    /// <summary>An image in memory (RGB).</summary>
    public static Sample InMemory(long index, Image image) =>
        new()
        {
            Index = index,
            Name = "image",
            Image = new(image),
            Geometry = new Geometry(image.Height, image.Width, Matrix3x2.Identity),
        };
}
