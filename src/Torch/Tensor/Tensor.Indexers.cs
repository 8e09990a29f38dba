using System.Runtime.CompilerServices;
using Tessera.Torch.Interop;

namespace TorchSharp;

public static partial class torch
{
    public partial class Tensor
    {
        [IndexerName("TensorItems")]
        public Tensor this[params TensorIndex[] indices]
        {
            get => index(indices);
            set => index_put_(value, indices);
        }

        [IndexerName("TensorItems")]
        public Tensor this[params Tensor[] indices]
        {
            get => index(indices);
            set => index_put_(value, indices);
        }

        [IndexerName("TensorItems")]
        public Tensor this[long i1]
        {
            get => Op.select_int.Call(this, 0, i1);
            set => Assign(value, i1);
        }

        [IndexerName("TensorItems")]
        public Tensor this[long i1, long i2]
        {
            get => At(i1, i2);
            set => Assign(value, i1, i2);
        }

        [IndexerName("TensorItems")]
        public Tensor this[long i1, long i2, long i3]
        {
            get => At(i1, i2, i3);
            set => Assign(value, i1, i2, i3);
        }

        [IndexerName("TensorItems")]
        public Tensor this[long i1, long i2, long i3, long i4]
        {
            get => At(i1, i2, i3, i4);
            set => Assign(value, i1, i2, i3, i4);
        }

        [IndexerName("TensorItems")]
        public Tensor this[long i1, long i2, long i3, long i4, long i5]
        {
            get => At(i1, i2, i3, i4, i5);
            set => Assign(value, i1, i2, i3, i4, i5);
        }

        [IndexerName("TensorItems")]
        public Tensor this[long i1, long i2, long i3, long i4, long i5, long i6]
        {
            get => At(i1, i2, i3, i4, i5, i6);
            set => Assign(value, i1, i2, i3, i4, i5, i6);
        }

        // One element: a view reached by one selection per dimension.
        private Tensor At(params ReadOnlySpan<long> indices)
        {
            var view = this;
            foreach (var index in indices)
            {
                var next = Op.select_int.Call(view, 0, index);
                if (!ReferenceEquals(view, this)) view.Dispose();
                view = next;
            }
            return view;
        }

        private void Assign(Tensor value, params ReadOnlySpan<long> indices)
        {
            using var target = At(indices);
            target.copy_(value);
        }

        public Tensor index(params TensorIndex[] indices)
        {
            var (view, tensors) = Resolve(indices);
            if (tensors is null) return view;
            try { return Op.index_Tensor.Call(view, Argument.Optional(tensors)); }
            finally { Release(view, tensors, indices); }
        }

        public Tensor index(params Tensor[] indices) => Op.index_Tensor.Call(this, Argument.Optional(indices));

        public Tensor index_put_(Tensor value, params TensorIndex[] indices) => index_put_(value, indices, false);

        public Tensor index_put_(Tensor value, TensorIndex[] indices, bool accumulate = false)
        {
            var (view, tensors) = Resolve(indices);
            if (tensors is null)
            {
                using (view)
                    if (accumulate) view.add_(value);
                    else view.copy_(value);
                return this;
            }
            try
            {
                using var cast = value.dtype == dtype && value.device_type == device_type ? null : value.to(dtype, device);
                Op.index_put_.CallInPlace(view, view, Argument.Optional(tensors), cast ?? value, accumulate);
            }
            finally { Release(view, tensors, indices); }
            return this;
        }

        public Tensor index_put_(Tensor value, params Tensor[] indices) => index_put_(value, indices, false);

        public Tensor index_put_(Tensor value, Tensor[] indices, bool accumulate = false) =>
            Op.index_put_.CallInPlace(this, this, Argument.Optional(indices), value, accumulate);

        public Tensor index_put_(Scalar value, params TensorIndex[] indices)
        {
            using var filled = MakeFull([], value, dtype, device, false, null);
            return index_put_(filled, indices, false);
        }

        public Tensor index_put_(Scalar value, params Tensor[] indices)
        {
            using var filled = MakeFull([], value, dtype, device, false, null);
            return index_put_(filled, indices, false);
        }

        /// <summary>
        /// Applies what makes a view (numbers, ranges, new axes, ellipsis); what remains are tensors by dimension of that view, or null if
        /// there are none.
        /// </summary>
        private (Tensor View, Tensor?[]? Tensors) Resolve(TensorIndex[] indices)
        {
            var consumed = 0L;
            foreach (var index in indices)
                consumed += index.Kind switch
                {
                    TensorIndex.Form.Single or TensorIndex.Form.Slice => 1,
                    TensorIndex.Form.Tensor => index.Values!.dtype is ScalarType.Bool or ScalarType.Byte ? index.Values.dim() : 1,
                    _ => 0,
                };
            if (consumed > dim()) throw new ArgumentException($"Too many indices ({consumed}) for a tensor of {dim()} dimensions.");

            var view = alias();
            var tensors = new List<Tensor?>();
            long dimension = 0, covered = 0;
            foreach (var index in indices)
                switch (index.Kind)
                {
                    case TensorIndex.Form.Single:
                        Replace(ref view, Op.select_int.Call(view, dimension, index.Start!.Value));
                        break;
                    case TensorIndex.Form.Slice:
                        if (index.Start is not null || index.Stop is not null || index.Step is not null)
                            Replace(ref view, Op.slice_Tensor.Call(view, dimension, index.Start, index.Stop, index.Step ?? 1));
                        dimension++;
                        break;
                    case TensorIndex.Form.None or TensorIndex.Form.Null:
                        Replace(ref view, Op.unsqueeze.Call(view, dimension));
                        dimension++;
                        break;
                    case TensorIndex.Form.Ellipsis:
                        dimension += dim() - consumed;
                        break;
                    case TensorIndex.Form.Bool:
                        Replace(ref view, Op.unsqueeze.Call(view, dimension));
                        Put(tensors, ref covered, dimension, tensor((bool[])[index.Start != 0], device: device));
                        dimension++;
                        break;
                    case TensorIndex.Form.Tensor:
                        Put(tensors, ref covered, dimension, index.Values!);
                        dimension += index.Values!.dtype is ScalarType.Bool or ScalarType.Byte ? index.Values.dim() : 1;
                        break;
                }
            return (view, tensors.Count == 0 ? null : tensors.ToArray());
        }

        // A mask covers as many dimensions as it has, in one entry.
        private static void Put(List<Tensor?> tensors, ref long covered, long dimension, Tensor value)
        {
            for (; covered < dimension; covered++) tensors.Add(null);
            tensors.Add(value);
            covered += value.dtype is ScalarType.Bool or ScalarType.Byte ? value.dim() : 1;
        }

        private static void Replace(ref Tensor view, Tensor next)
        {
            view.Dispose();
            view = next;
        }

        private static void Release(Tensor view, Tensor?[] tensors, TensorIndex[] indices)
        {
            view.Dispose();
            foreach (var tensor in tensors)
                if (tensor is not null && !Array.Exists(indices, i => ReferenceEquals(i.Values, tensor))) tensor.Dispose();
        }
    }
}
