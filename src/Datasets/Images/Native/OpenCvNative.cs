using System.Runtime.InteropServices;

namespace Tessera.Datasets.Images.Native;

/// <summary>
/// OpenCV's C interface, as libopencv_imgproc 4.x still exports it. A wrong argument makes OpenCV throw a C++ exception,
/// which would end the process; so everything is checked before a call (see <see cref="OpenCv"/>).
/// </summary>
internal static partial class OpenCvNative
{
    internal const int Depth8U = 0;
    internal const int Depth16U = 2;
    internal const int Depth32F = 5;
    internal const int Depth64F = 6;
    internal const int WarpFillOutliers = 8;
    internal const int WarpInverseMap = 16;
    internal const int SmoothGaussian = 2;
    internal const int RgbToHsvFull = 67;
    internal const int HsvToRgbFull = 71;

    static OpenCvNative()
    {
        NativeLibraries.Ready();
        SetThreads(1); // the loader's threads are the parallel ones
    }

    /// <summary>CvMat: a header over pixels that it doesn't own.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal unsafe struct Matrix
    {
        public int Type, Step;
        public nint ReferenceCount;
        public int HeaderReferenceCount;
        public void* Data;
        public int Rows, Columns;

        public Matrix(void* data, int rows, int columns, int channels, int depth)
        {
            const int magic = 0x42420000, continuous = 1 << 14;
            var valueSize = depth switch { Depth8U => 1, Depth16U => 2, Depth32F => 4, _ => 8 };
            (Type, Step) = (magic | continuous | depth | ((channels - 1) << 3), columns * channels * valueSize);
            (Rows, Columns) = (rows, columns);
            Data = data;
        }
    }

    /// <summary>CvScalar.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct Scalar
    {
        public double First, Second, Third, Fourth;
    }

    [LibraryImport(NativeLibraries.OpenCvCore, EntryPoint = "_ZN2cv13setNumThreadsEi")]
    private static partial void SetThreads(int count);

    [LibraryImport(NativeLibraries.OpenCvImgproc, EntryPoint = "cvWarpAffine")]
    internal static partial void WarpAffine(in Matrix source, in Matrix target, in Matrix map, int flags, Scalar fill);

    [LibraryImport(NativeLibraries.OpenCvImgproc, EntryPoint = "cvResize")]
    internal static partial void Resize(in Matrix source, in Matrix target, int interpolation);

    [LibraryImport(NativeLibraries.OpenCvImgproc, EntryPoint = "cvSmooth")]
    internal static partial void Smooth(in Matrix source, in Matrix target, int type, int width, int height, double sigmaX, double sigmaY);

    [LibraryImport(NativeLibraries.OpenCvImgproc, EntryPoint = "cvCvtColor")]
    internal static partial void ConvertColor(in Matrix source, in Matrix target, int code);
}
