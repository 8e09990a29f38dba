namespace Tessera.Datasets.Images.Filtering;

/// <summary>A sampled Gaussian, normalised.</summary>
internal static class GaussianKernel
{
    /// <summary>The sum of <see cref="Steps"/>.</summary>
    public const int Whole = 256;

    /// <returns>[size], sum 1.</returns>
    public static double[] Exact(int size, double sigma)
    {
        var weights = new double[size];
        var sum = 0.0;
        for (var i = 0; i < size; i++)
        {
            var distance = i - size / 2;
            sum += weights[i] = Math.Exp(-(double)distance * distance / (2 * sigma * sigma));
        }
        for (var i = 0; i < size; i++)
            weights[i] /= sum;
        return weights;
    }

    /// <summary>The weights from the middle outwards, in 1/256, as OpenCV has them for 8-bit images.</summary>
    /// <remarks>From the outermost inwards, each takes over the rounding of the one before; the middle takes the rest, an even
    /// number.</remarks>
    /// <returns>[1 + radius]: the middle, then those that stand on both sides of it. Zeros at the end are left out.</returns>
    public static int[] Steps(int size, double sigma)
    {
        var exact = Exact(size, sigma);
        var radius = size / 2;
        var steps = new int[radius + 1];
        var (left, carried) = (Whole, 0.0);
        for (var i = 0; i < radius; i++)
        {
            var wanted = exact[i] * Whole + carried;
            var step = (int)Math.Round(wanted);
            carried = wanted - step;
            steps[radius - i] = step;
            left -= 2 * step;
        }
        steps[0] = left;
        var last = Array.FindLastIndex(steps, step => step != 0);
        return steps[..(last + 1)];
    }
}
