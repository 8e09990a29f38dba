namespace Tessera.Framework.Checkpoints.PyTorch;

/// <summary>Puts a strided view in order.</summary>
internal static class Strided
{
    /// <param name="start">Where the view's first element lies in the file.</param>
    public static void Gather(FileBytes file, long start, PickleTensor tensor, Span<byte> destination, string name)
    {
        var (shape, strides, size) = (tensor.Shape, tensor.Strides, tensor.Type.Size());
        var extent = 1L;
        for (var i = 0; i < shape.Length; i++)
            extent += (shape[i] - 1) * strides[i];
        var source = file.Read(start, extent * size, $"the data of {name}");

        var index = new long[shape.Length];
        var at = 0L;
        for (var done = 0; done < destination.Length; done += size)
        {
            source.AsSpan((int)(at * size), size).CopyTo(destination[done..]);
            for (var axis = shape.Length - 1; axis >= 0; axis--)
            {
                at += strides[axis];
                if (++index[axis] < shape[axis])
                    break;
                at -= strides[axis] * shape[axis];
                index[axis] = 0;
            }
        }
    }
}
