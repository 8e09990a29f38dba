using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Tests.Torch.Conformance;

/// <summary>Members of tensors that keep books instead of computing.</summary>
public sealed class TensorMemberTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    [Fact]
    [Covers(
        "Tensor::get_shape",
        "Tensor::dim",
        "Tensor::numel",
        "Tensor::get_NumberOfElements",
        "Tensor::element_size",
        "Tensor::get_ElementSize",
        "Tensor::get_dtype",
        "Tensor::get_device",
        "Tensor::get_device_type",
        "Tensor::get_device_index",
        "Tensor::is_contiguous",
        "Tensor::is_floating_point",
        "Tensor::is_complex",
        "Tensor::size",
        "Tensor::stride",
        "Tensor::get_is_sparse",
        "Tensor::get_Handle",
        "torch::CPU",
        "Device::.ctor",
        "Device::get_type",
        "Device::get_index"
    )]
    public void Description_IsTheTensors()
    {
        var t = zeros([2, 3, 4], ScalarType.Int16);
        Assert.Equal([2, 3, 4], t.shape);
        Assert.Equal((3, 24, 24, 2, 2), (t.dim(), t.numel(), t.NumberOfElements, t.element_size(), t.ElementSize));
        Assert.Equal((3, 4, 1), (t.size(1), t.stride(1), t.stride(-1)));
        Assert.Equal(4, t.transpose(1, 2).size(1));
        Assert.False(t.is_sparse);
        Assert.NotEqual(t.Handle, t.alias().Handle);
        Assert.Equal(ScalarType.Int16, t.dtype);
        Assert.Equal((DeviceType.CPU, DeviceType.CPU, -1), (t.device.type, t.device_type, t.device_index));
        Assert.True(t.is_contiguous());
        Assert.False(t.permute(2, 1, 0).is_contiguous());
        Assert.Equal(
            (false, true, true),
            (t.is_floating_point(), zeros(1).is_floating_point(), zeros(1, ScalarType.BFloat16).is_floating_point())
        );
        Assert.Equal((false, true), (t.is_complex(), zeros(1, ScalarType.ComplexFloat32).is_complex()));
        Assert.Equal((DeviceType.CPU, -1), (CPU.type, CPU.index));
        Assert.Equal((DeviceType.CPU, -1), (new Device(DeviceType.CPU).type, new Device("cpu").index));
    }

    [Fact]
    [Covers(
        "torch::tensor",
        "Tensor::op_Implicit",
        "Tensor::item",
        "TensorExtensionMethods::ToBoolean",
        "TensorExtensionMethods::ToDouble",
        "TensorExtensionMethods::ToInt64",
        "Tensor::ToScalar",
        "Tensor::data",
        "Utils.TensorAccessor`1::ToArray",
        "Scalar::op_Implicit"
    )]
    public void Values_GoInAndOut()
    {
        Assert.Equal([1.5f, -2], tensor((float[])[1.5f, -2]).data<float>().ToArray());
        Assert.Equal([1.5, -2], tensor((double[])[1.5, -2]).data<double>().ToArray());
        Assert.Equal([long.MaxValue], tensor((long[])[long.MaxValue]).data<long>().ToArray());
        Assert.Equal([7, -8], tensor((int[])[7, -8]).data<int>().ToArray());
        Assert.Equal([0, 255], tensor((byte[])[0, 255]).data<byte>().ToArray());
        Assert.Equal([true, false], tensor((bool[])[true, false]).data<bool>().ToArray());
        Assert.Equal([2, 2], tensor((float[])[1, 2, 3, 4], [2, 2]).shape);
        Assert.Equal([1, 3, 2, 4], tensor((float[])[1, 2, 3, 4], [2, 2]).t().data<float>().ToArray()); // in the view's order
        Assert.Equal((2.5f, 3L), (tensor(2.5f).item<float>(), tensor(3L).item<long>()));
        Assert.Equal((true, 2.5, 3L), (tensor(true).ToBoolean(), tensor(2.5f).ToDouble(), tensor(3).ToInt64()));
        Assert.Equal(2.5f, tensor(2.5f).ToScalar().ToSingle());
        Assert.Throws<ArgumentException>(() => tensor(2.5f).item<double>());
        Tensor number = 0.1;
        Assert.Equal((ScalarType.Float64, 0.1), (number.dtype, number.item<double>()));
        Scalar scalar = 0.25;
        Assert.Equal(0.5f, (tensor(2f) * scalar).item<float>());
    }

    [Fact]
    [Covers(
        "Tensor::get_bytes",
        "Tensor::WriteBytesToStream",
        "Tensor::ReadBytesFromStream",
        "Tensor::set_",
        "Tensor::alias",
        "Tensor::detach",
        "Tensor::copy_",
        "Tensor::clone",
        "Tensor::cpu",
        "Tensor::zero_",
        "Tensor::fill_"
    )]
    public void Memory_IsSharedOrCopied()
    {
        var a = zeros(3);
        MemoryMarshal.Cast<byte, float>(a.bytes)[1] = 5;
        Assert.Equal([0, 5, 0], a.data<float>().ToArray());
        using var stream = new MemoryStream();
        a.WriteBytesToStream(stream, 4);
        Assert.Equal(12, stream.Length);
        stream.Position = 0;
        var b = ones(3);
        b.ReadBytesFromStream(stream, 5);
        Assert.True(b.Equals(a));
        stream.SetLength(7);
        stream.Position = 0;
        Assert.ThrowsAny<Exception>(() => b.ReadBytesFromStream(stream));

        var (alias, detached, copy) = (a.alias(), a.detach(), a.clone());
        a.fill_(9);
        Assert.Equal((9f, 9f, 0f), (alias[0].item<float>(), detached[0].item<float>(), copy[0].item<float>()));
        Assert.Same(copy, copy.copy_(tensor((int[])[1, 2, 3])));
        Assert.Equal([1f, 2, 3], copy.data<float>().ToArray());
        copy.copy_(tensor(4f)); // broadcast
        Assert.Equal([4f, 4, 4], copy.cpu().data<float>().ToArray());
        var other = ones(5);
        copy.set_(other);
        other.fill_(3);
        Assert.Equal([3f, 3, 3, 3, 3], copy.data<float>().ToArray());
        copy.zero_();
        Assert.Equal(0f, other.sum().item<float>());
    }

    [Fact]
    [Covers(
        "Tensor::backward",
        "Tensor::get_grad",
        "Tensor::set_grad",
        "Tensor::get_requires_grad",
        "Tensor::set_requires_grad",
        "torch::no_grad",
        "torch::enable_grad",
        "torch::is_grad_enabled"
    )]
    public void Gradients_AddUpWhereTheyAreAsked()
    {
        var x = tensor((float[])[1, 2, 3]);
        x.requires_grad = true;
        Assert.True(x.requires_grad);
        Assert.Null(x.grad);
        x.square().sum().backward();
        (x * 10).backward([ones(3)]);
        Assert.Equal([12f, 14, 16], x.grad!.data<float>().ToArray());
        x.grad = null;
        Assert.Null(x.grad);
        using (no_grad())
        {
            Assert.False(is_grad_enabled());
            Assert.False((x + 1).requires_grad);
            using (enable_grad())
                Assert.True((x + 1).requires_grad);
            Assert.False(is_grad_enabled());
        }
        Assert.True(is_grad_enabled());
        var y = x.pow(2).sum();
        y.backward([], retain_graph: true);
        y.backward();
        Assert.Equal([4f, 8, 12], x.grad!.data<float>().ToArray());
        Assert.Throws<ExternalException>(y.backward);
    }

    [Fact]
    [Covers(
        "torch::NewDisposeScope",
        "DisposeScope::MoveToOuter",
        "Tensor::DetachFromDisposeScope",
        "Tensor::MoveToOuterDisposeScope",
        "Tensor::Dispose",
        "Tensor::get_TotalCount"
    )]
    public void Scopes_DisposeWhatIsNotMoved()
    {
        var before = Tensor.TotalCount;
        Tensor inside,
            moved,
            outer,
            kept;
        Tensor[] all;
        using (NewDisposeScope())
        {
            using (var scope = NewDisposeScope())
            {
                (inside, kept) = (ones(1), ones(1).DetachFromDisposeScope());
                moved = scope.MoveToOuter(ones(1));
                outer = ones(1).MoveToOuterDisposeScope();
                all = [ones(1), ones(1)];
                scope.MoveToOuter(all);
                scope.MoveToOuter(all.AsEnumerable());
            }
            Assert.Equal((true, false, false, false), (inside.IsInvalid, kept.IsInvalid, moved.IsInvalid, outer.IsInvalid));
            Assert.All(all, tensor => Assert.False(tensor.IsInvalid));
        }
        Assert.True(moved.IsInvalid && outer.IsInvalid && all[0].IsInvalid);
        Assert.Equal(before + 1, Tensor.TotalCount);
        kept.Dispose();
        Assert.Equal(before, Tensor.TotalCount);
    }

    [Fact]
    [Covers("torch::get_num_threads", "torch::set_num_threads", "torch::get___version__", "TensorIndex::Colon")]
    public void Process_HasItsThreadsAndVersion()
    {
        var threads = get_num_threads();
        set_num_threads(threads + 1);
        Assert.Equal(threads + 1, get_num_threads());
        set_num_threads(threads);
        Assert.StartsWith(Tessera.Torch.Loading.LibTorch.ExpectedVersion, __version__, StringComparison.Ordinal);
        Assert.Equal([2, 3], zeros(2, 4, 3)[TensorIndex.Colon, 0].shape);
    }

    [Fact]
    [Covers("cuda::is_available", "cuda::device_count", "cuda::manual_seed_all", "cuda::synchronize")]
    public void Cuda_IsToldAsItIs()
    {
        Assert.Equal(cuda.is_available(), cuda.device_count() > 0);
        if (!cuda.is_available())
            return;
        cuda.manual_seed_all(3);
        cuda.synchronize();
    }
}
