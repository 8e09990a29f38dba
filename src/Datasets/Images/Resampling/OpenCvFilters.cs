namespace Tessera.Datasets.Images.Resampling;

/// <summary>The filters by which OpenCV samples between pixels; Pillow's have other constants.</summary>
internal static class OpenCvFilters
{
    /// <summary>Keys' cubic convolution with a = -0.75; 0 from distance 2 on.</summary>
    public static double Cubic(double x)
    {
        const double a = -0.75;
        x = Math.Abs(x);
        if (x < 1)
            return ((a + 2) * x - (a + 3)) * x * x + 1;
        return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
    }

    /// <summary>Lanczos window, four lobes; 0 from distance 4 on. Its samples don't sum to 1: normalise them.</summary>
    public static double Lanczos(double x) => Math.Abs(x) < 4 ? Sinc(x) * Sinc(x / 4) : 0;

    private static double Sinc(double x) => x == 0 ? 1 : Math.Sin(Math.PI * x) / (Math.PI * x);
}
