using Tessera.Tests.Datasets.WithoutTensors;

namespace Tessera.Tests.Datasets;

/// <summary>The tests' own assembly as a program: <c>without-tensors CONFIG PICTURE</c> reads, transforms and draws in a folder that has no
/// libtorch.</summary>
internal static class Program
{
    public static int Main(string[] arguments)
    {
        if (arguments is not ["without-tensors", var config, var picture])
            return 2;
        TensorFreeProgram.Run(config, picture);
        return 0;
    }
}
