using Tessera.Framework.Models;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Losses.Contrast;

/// <summary>A small random batch: embeddings on a grid, labels and logits at twice its size.</summary>
internal sealed class Scene
{
    public const int Ignored = 255;

    private readonly int _height,
        _width;

    public Scene(Random random, int images, int height, int width, int dim, int classes, Func<int, int> label)
    {
        (Images, _height, _width, Dim, Classes) = (images, height, width, dim, classes);
        var cells = images * height * width;
        Labels = [.. Enumerable.Range(0, cells).Select(label)];
        Rows = [.. Enumerable.Range(0, cells).Select(_ => Unit(random, dim))];
        // Labels and logits lie at twice the size; the cell's centre is the odd pixel of its four.
        var full = Enumerable.Repeat((long)Ignored, cells * 4).ToArray();
        var scores = new float[images * classes * height * width * 4];
        Predictions = [.. Enumerable.Range(0, cells).Select(_ => random.Next(classes))];
        for (var i = 0; i < cells; i++)
        {
            var (image, cell) = Math.DivRem(i, height * width);
            var (y, x) = (2 * (cell / width) + 1, 2 * (cell % width) + 1);
            full[((image * 2 * height) + y) * 2 * width + x] = Labels[i];
            scores[(((image * classes) + Predictions[i]) * 2 * height + y) * 2 * width + x] = 1;
        }
        LabelMaps = tensor(full).view(images, 2 * height, 2 * width);
        Logits = tensor(scores).view(images, classes, 2 * height, 2 * width);
        Embeddings = tensor([.. Rows.SelectMany(row => row).Select(v => (float)v)])
            .view(images, height, width, dim)
            .permute(0, 3, 1, 2)
            .contiguous()
            .requires_grad_();
    }

    public int Images { get; }
    public int Dim { get; }
    public int Classes { get; }

    /// <summary>Of each cell, image after image.</summary>
    public int[] Labels { get; }

    public int[] Predictions { get; }

    /// <summary>The embedding of each cell.</summary>
    public double[][] Rows { get; }

    public Tensor LabelMaps { get; }
    public Tensor Logits { get; }

    /// <summary>[images, dim, height, width], a leaf.</summary>
    public Tensor Embeddings { get; }

    public LossTargets Targets => new(LabelMaps, Embeddings: Embeddings);

    /// <summary>Cells whose label is a class.</summary>
    public int[] Valid => [.. Enumerable.Range(0, Labels.Length).Where(i => Labels[i] < Classes)];

    public int ImageOf(int cell) => cell / (_height * _width);

    /// <summary>The gradient at the embeddings, cell after cell.</summary>
    public float[] Gradient(IEnumerable<int> cells)
    {
        var values = Embeddings.grad!.permute(0, 2, 3, 1).contiguous().view(-1, Dim);
        return [.. cells.SelectMany(cell => values[cell].data<float>().ToArray())];
    }

    public static double[] Unit(Random random, int dim)
    {
        var row = Enumerable.Range(0, dim).Select(_ => random.NextDouble() * 2 - 1).ToArray();
        var length = Math.Sqrt(row.Sum(v => v * v));
        return [.. row.Select(v => v / length)];
    }
}
