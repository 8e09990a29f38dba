using System.Numerics;
using System.Runtime.InteropServices;
using Tessera.Framework.Data;

namespace Tessera.Tests.Datasets.Synthetic;

/// <summary>Multinomial logistic regression on pixels, by stochastic gradient descent.</summary>
internal sealed class SoftmaxRegression(int classes, int features)
{
    private readonly float[][] _weights = [.. Enumerable.Range(0, classes).Select(_ => new float[features + 1])];

    public static SoftmaxRegression Train(Dataset data, int count, int epochs)
    {
        var inputs = Enumerable.Range(0, count).Select(i => Features(data.Get(i))).ToArray();
        var model = new SoftmaxRegression(data.Info.Classes.Count, inputs[0].Length - 1);
        for (var epoch = 0; epoch < epochs; epoch++)
        {
            var rate = 4f * (1 - (float)epoch / epochs) / inputs[0].Length;
            foreach (var index in RandomSource.For(0, epoch, 0).Permutation(count))
            {
                var scores = model.Scores(inputs[index]);
                var powers = Array.ConvertAll(scores, score => MathF.Exp(score - scores.Max()));
                for (var c = 0; c < powers.Length; c++)
                    Add(model._weights[c], inputs[index], rate * ((c == data.LabelOf(index) ? 1 : 0) - powers[c] / powers.Sum()));
            }
        }
        return model;
    }

    public double Accuracy(Dataset data, int count) =>
        Enumerable.Range(0, count).Count(i => Best(Scores(Features(data.Get(i)))) == data.LabelOf(i)) / (double)count;

    private float[] Scores(float[] input) => Array.ConvertAll(_weights, row => Dot(row, input));

    private static int Best(float[] scores) => Array.IndexOf(scores, scores.Max());

    private static float Dot(float[] a, float[] b)
    {
        var (sum, rest) = (Vector<float>.Zero, 0f);
        var left = MemoryMarshal.Cast<float, Vector<float>>(a.AsSpan());
        var right = MemoryMarshal.Cast<float, Vector<float>>(b.AsSpan());
        for (var i = 0; i < left.Length; i++)
            sum += left[i] * right[i];
        for (var i = left.Length * Vector<float>.Count; i < a.Length; i++)
            rest += a[i] * b[i];
        return Vector.Sum(sum) + rest;
    }

    private static void Add(float[] target, float[] values, float factor)
    {
        var left = MemoryMarshal.Cast<float, Vector<float>>(target.AsSpan());
        var right = MemoryMarshal.Cast<float, Vector<float>>(values.AsSpan());
        for (var i = 0; i < left.Length; i++)
            left[i] += right[i] * factor;
        for (var i = left.Length * Vector<float>.Count; i < target.Length; i++)
            target[i] += values[i] * factor;
    }

    private static float[] Features(Sample sample) => [.. sample.Image!.Decode().Bytes.Select(value => (value - 97f) / 69f), 1f];
}
